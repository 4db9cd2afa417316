// Apollo Gateway under Apollo Server: `node apollo.mjs <supergraph.graphql> <port>`.
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { readFileSync } from 'node:fs'

const [file, port] = process.argv.slice(2)
const gateway = new ApolloGateway({
  supergraphSdl: readFileSync(file, 'utf8'),
  // Node's own fetch keeps connections alive without the default's limit of 15 a host
  buildService: ({ url }) => new RemoteGraphQLDataSource({ url, fetcher: fetch }),
})
const server = new ApolloServer({ gateway, introspection: false, includeStacktraceInErrorResponses: false })
await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: Number(port) } })
