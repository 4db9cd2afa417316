// Composed by GraphQL Mesh v1: PostGraphile over HTTP for PostgreSQL, Mesh's own handler for MariaDB, which the
// gateway runs itself. `DEPARTMENTS=<departments.json> mesh-compose -c mesh.mjs -o <supergraph.graphql>`.
import { defineConfig, loadGraphQLHTTPSubgraph } from '@graphql-mesh/compose-cli'
import { loadMySQLSubgraph } from '@omnigraph/mysql'
import { readFileSync } from 'node:fs'

const CONNECTIONS = 4

function handler({ source, engine, host, databasePort, user, password, database, port, sections }) {
  if (engine === 'postgresql') return loadGraphQLHTTPSubgraph(source, { endpoint: `http://127.0.0.1:${port}/graphql` })
  const login = [user, password].map(encodeURIComponent).join(':')
  const options = `connectionLimit=${CONNECTIONS}&dateStrings=true`
  const endpoint = `mysql://${login}@${host}:${databasePort}/${database}?${options}`
  return loadMySQLSubgraph(source, { endpoint, tables: sections.map(({ table }) => table) })
}

const departments = JSON.parse(readFileSync(process.env.DEPARTMENTS, 'utf8'))
export const composeConfig = defineConfig({
  subgraphs: departments.map(department => ({ sourceHandler: handler(department) })),
})
