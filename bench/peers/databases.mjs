// Prepared statements by `pg` and `mysql2`, four connections each, as all contenders have.
import mysql from 'mysql2/promise'
import pg from 'pg'

const CONNECTIONS = 4
const TIMESTAMP = 1114

pg.types.setTypeParser(TIMESTAMP, text => text)

/** `select` gives the rows whose key is one of some values, `quoted` a name as the engine quotes it. */
export function connect({ engine, host, user, password, database, databasePort, deadlineMs }) {
  const login = { host, user, password, database, port: databasePort }
  if (engine === 'postgresql') {
    const pool = new pg.Pool({ ...login, max: CONNECTIONS, statement_timeout: deadlineMs })
    pool.on('error', error => console.error(error.message))
    const select = async (sql, values) => {
      const text = `${sql} = ANY ($1)`
      return (await pool.query({ name: text.slice(-60), text, values: [values] })).rows
    }
    return { select, quoted: name => `"${name}"` }
  }
  const pool = mysql.createPool({ ...login, connectionLimit: CONNECTIONS, dateStrings: true })
  const select = async (sql, values) => (await pool.execute(`${sql} IN (${values.map(() => '?')})`, values))[0]
  return { select, quoted: name => `\`${name}\`` }
}
