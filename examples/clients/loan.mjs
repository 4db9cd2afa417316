// A bank that asks a person before it reads, in Node, from a stock part: openid-client.
//
//     cd examples/clients && npm ci
//     node loan.mjs http://127.0.0.1:8000 ../../var/demo/bank.jwk
//
// It does what loan.py does: a pushed and rich request (RFC 9126, RFC 9396) with PKCE, a token
// bound to the bank's key (DPoP, RFC 9449), a read, and a refusal once the person took it back.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { webcrypto } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import { setTimeout } from 'node:timers/promises'
import * as oauth from 'openid-client'

const [issuer, keyFile, redirectUri = 'http://127.0.0.1:8765/callback'] = process.argv.slice(2)
const purpose = '用于审查本人提交的经营贷款申请'
const caseNo = 'LN-2026-0001'
const details = [{
  type: 'credit_record_read',
  scenario: 'S17',
  reason: 'LOAN_APPROVAL',
  purpose,
  caseNo,
  items: [{ recordType: 'P-FY-01', fields: ['caseNo', 'court'], level: 'MASKED' }],
  validDays: 7,
  dataLife: { unit: 'DAY', value: 30 },
}]
const query = `
query Loan($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) {
    ... on NaturalPerson { judicial { judgmentDefaults { state records { caseNo court } } } }
  }
}`

const { kty, crv, x, y, d, kid } = JSON.parse(await readFile(keyFile, 'utf8'))
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
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

const pkceCodeVerifier = oauth.randomPKCECodeVerifier()
const expectedState = oauth.randomState()
const address = await oauth.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: redirectUri,
  scope: 'credit:consent',
  state: expectedState,
  code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  authorization_details: JSON.stringify(details),
}, { DPoP })

const callback = createServer().listen(Number(new URL(redirectUri).port), '127.0.0.1')
await once(callback, 'listening')
console.log(`open: ${address}`)
const [request, response] = await once(callback, 'request')
response.end('Thank you. You can close this window.')
callback.close()
callback.closeAllConnections()

// checks state and iss (RFC 9207)
const tokens = await oauth.authorizationCodeGrant(
  config, new URL(request.url, redirectUri), { pkceCodeVerifier, expectedState }, undefined, { DPoP },
)
const [{ consentId }] = tokens.authorization_details
console.log(`token: ${tokens.token_type}, for ${consentId.slice(0, 3)}…`)

const { sub } = await oauth.tokenIntrospection(config, tokens.access_token)
const variables = {
  who: { subjectRef: sub },
  access: { consentId, scenario: 'S17', caseNo, purpose, idempotencyKey: expectedState },
}
const ask = () => oauth.fetchProtectedResource(
  config,
  tokens.access_token,
  new URL('/graphql', issuer),
  'POST',
  JSON.stringify({ query, variables }),
  new Headers({ 'content-type': 'application/json' }),
  { DPoP },
)
const { data } = await (await ask()).json()
console.log(`read: ${JSON.stringify(data)}`)

const terminal = createInterface({ input: process.stdin })
process.stdout.write('Take the consent back on your page, then press Enter. ')
await once(terminal, 'line')
terminal.close()
await setTimeout(1000) // that is how long it may take
try {
  await ask()
  console.log('afterwards: still answered')
} catch (refusal) {
  console.log(`afterwards: ${refusal.response.status} ${refusal.cause[0].parameters.error}`)
}
