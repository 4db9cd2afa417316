// One PostgreSQL department as PostGraphile 5 gives it: `node postgraphile.mjs <departments.json> <source>`. Lists
// by filter, under the names of their tables; nothing is written, and no node ids, which departments would share.
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { postgraphile } from 'postgraphile'
import { PostGraphileConnectionFilterPreset } from 'postgraphile-plugin-connection-filter'

const CONNECTIONS = 4
const [file, source] = process.argv.slice(2)
const { host, databasePort, user, password, database, deadlineMs, port } =
  JSON.parse(readFileSync(file, 'utf8')).find(each => each.source === source)

const server = createServer()
const instance = postgraphile({
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset],
  plugins: [{ name: 'TableNames', inflection: { replace: { allRowsList: (_, __, resource) => resource.name } } }],
  disablePlugins: ['NodePlugin', 'MutationPlugin', 'QueryQueryPlugin'],
  schema: { defaultBehavior: '-connection -single list' },
  pgServices: [makePgService({
    schemas: ['public'],
    poolConfig: { host, port: databasePort, user, password, database, max: CONNECTIONS, statement_timeout: deadlineMs },
  })],
  grafserv: { graphqlPath: '/graphql', graphiql: false },
})
await instance.createServ(grafserv).addTo(server)
server.listen(port, '127.0.0.1')
