// A bank's client in Node, from a stock part: openid-client.
//
//     cd examples/clients && npm ci
//     node bank.mjs http://127.0.0.1:8000 ../../var/demo/bank.jwk
//
// It does what bank.py does: a token by private_key_jwt (RFC 7523) that is bound to the bank's
// key (DPoP, RFC 9449), a question to the graph, revocation, and a refusal.

import { readFile } from 'node:fs/promises'
import { webcrypto } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import * as oauth from 'openid-client'

const [issuer, keyFile] = process.argv.slice(2)
const query = '{ enterprise(uscc: "91990100MA9TE00142") { displayName } }'

const jwk = JSON.parse(await readFile(keyFile, 'utf8'))
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
const { kty, crv, x, y, d, kid } = jwk
const privateKey = await webcrypto.subtle.importKey('jwk', { kty, crv, x, y, d }, ecdsa, false, ['sign'])
const publicKey = await webcrypto.subtle.importKey('jwk', { kty, crv, x, y }, ecdsa, true, ['verify'])

const config = await oauth.discovery(
  new URL(issuer),
  'sample-bank',
  undefined,
  oauth.PrivateKeyJwt({ key: privateKey, kid }),
  // plain http is for this machine only
  { algorithm: 'oauth2', execute: issuer.startsWith('http://127.0.0.1') ? [oauth.allowInsecureRequests] : [] },
)
const DPoP = oauth.getDPoPHandle(config, { privateKey, publicKey })
const tokens = await oauth.clientCredentialsGrant(config, {}, { DPoP })
console.log(`token: ${tokens.token_type}, for ${tokens.expires_in} seconds`)

const ask = () => oauth.fetchProtectedResource(
  config,
  tokens.access_token,
  new URL('/graphql', issuer),
  'POST',
  JSON.stringify({ query }),
  new Headers({ 'content-type': 'application/json' }),
  { DPoP },
)
const { data } = await (await ask()).json()
console.log(`read: ${JSON.stringify(data)}`)

const told = await oauth.tokenIntrospection(config, tokens.access_token)
console.log(`introspection: ${told.active ? 'active' : 'not active'}, bound to ${told.cnf.jkt === await DPoP.calculateThumbprint() ? 'this key' : 'another key'}`)

await oauth.tokenRevocation(config, tokens.access_token)
await setTimeout(1000) // that is how long it may take
try {
  await ask()
  console.log('after revocation: still answered')
} catch (refusal) {
  console.log(`after revocation: ${refusal.response.status} ${refusal.cause[0].parameters.error}`)
}
