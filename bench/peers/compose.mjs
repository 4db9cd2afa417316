// The departments as one supergraph on standard output: `node compose.mjs <departments.json>`.
import { composeServices } from '@apollo/composition'
import { parse } from 'graphql'
import { readFileSync } from 'node:fs'
import { sdl } from './sdl.mjs'

const departments = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const { errors, supergraphSdl } = composeServices(departments.map(each => ({
  name: each.source,
  url: `http://127.0.0.1:${each.port}/graphql`,
  typeDefs: parse(sdl(each)),
})))
if (errors) throw new Error(errors.map(error => error.message).join('\n'))
process.stdout.write(supergraphSdl)
