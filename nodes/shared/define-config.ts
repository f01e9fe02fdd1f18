/** Configuration nodes: their settings become a value that other nodes use, or a problem that other nodes report. */
import type { NodeDef } from 'node-red'
import { FieldError, reported } from './errors.js'
import { labelsOf } from './labels.js'
import { type Migrations, migrate } from './migrate.js'
import { type ConfigNode, type RED, showErrorText } from './red.js'
import { assertEnvironment } from './settings.js'
import { errorStatus, statusDot } from './status.js'
import { connect, nodeClosed } from './telephony.js'

/** One configuration node, as its constructor sees it. */
export interface ConfigContext<Value, Secrets extends object = object> {
  RED: RED
  node: ConfigNode<Value, Secrets>
  id: string
}

interface ConfigDefinition<Config extends { version: number }, Value, Secrets extends object> {
  type: string
  defaults: Config
  migrations: Migrations
  credentials?: { [Name in keyof Required<Secrets>]: { type: 'text' | 'password' } }
  /** Converts the settings to a value. Throws BAD_CONFIG. */
  parse(config: Config, context: ConfigContext<Value, Secrets>): Value
  open?(value: Value, context: ConfigContext<Value, Secrets>): void
  close?(context: ConfigContext<Value, Secrets>, removed: boolean): void
}

/** Ids of configuration nodes with a red status. Deploying them with valid settings clears the status. */
const redStatuses = new Set<string>()

export function defineConfig<Config extends { version: number }, Value, Secrets extends object = object>(
  RED: RED,
  definition: ConfigDefinition<Config, Value, Secrets>,
): void {
  connect(RED)
  const labels = labelsOf(definition.type)
  const options = definition.credentials ? { credentials: definition.credentials } : {}
  RED.nodes.registerType(
    definition.type,
    function (this: ConfigNode<Value, Secrets>, stored: NodeDef) {
      RED.nodes.createNode(this, stored)
      showErrorText(this)
      this.users = {}
      const context: ConfigContext<Value, Secrets> = { RED, node: this, id: this.id }
      try {
        const config = migrate({ ...stored }, definition.defaults, definition.migrations)
        assertEnvironment({ ...config, ...this.credentials })
        this.value = definition.parse(config, context)
        if (redStatuses.delete(this.id)) this.status({})
        definition.open?.(this.value, context)
      } catch (thrown) {
        this.problem = reported(thrown, labels, 'BAD_CONFIG')
        redStatuses.add(this.id)
        this.status(statusDot(errorStatus(this.problem)))
        this.error(this.problem)
      }
      this.on('close', (removed: boolean, done: () => void) => {
        definition.close?.(context, removed)
        if (removed) redStatuses.delete(this.id)
        void nodeClosed().then(done)
      })
    },
    options,
  )
}

/** The value of the configuration node that another configuration node refers to. */
export function referred<Value>(RED: RED, field: string, id: string, user: ConfigNode<unknown>): Value {
  const node = RED.nodes.getNode(id) as ConfigNode<Value> | null | undefined
  if (id === '') throw new FieldError('BAD_CONFIG', field, 'choose one')
  if (!node?.users) throw new FieldError('BAD_CONFIG', field, 'the chosen one was deleted. Choose another one')
  if (!node.value) throw new FieldError('BAD_CONFIG', field, node.problem?.message ?? 'its settings are wrong')
  node.users[user.id] = user
  return node.value
}
