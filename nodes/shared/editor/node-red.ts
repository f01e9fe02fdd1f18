/** The parts of jQuery and of Node-RED's editor API that the forms use. */

export type Translate = (key: string, values?: Record<string, string | number>) => string

export interface EditorNode {
  readonly _def: {
    readonly _: Translate
    readonly defaults?: Record<string, { readonly value: unknown; readonly type?: string }>
  }
  readonly [property: string]: unknown
}

/** The node in the event `nodes:add` of Node-RED's editor; it may be of any type. */
export interface AddedNode extends EditorNode {
  readonly type: string
  /** The node without the guard that protects locked flows from changes. An upgrade may bypass the guard because the node works as before. */
  readonly __node__?: AddedNode
}

export interface Elements {
  readonly length: number
  val(): unknown
  val(value: string): Elements
  prop(name: string): unknown
  prop(name: string, value: boolean): Elements
  attr(name: string, value: string): Elements
  is(selector: string): boolean
  on(event: string, listener: (this: unknown) => void): Elements
  trigger(event: string): Elements
  toggle(visible: boolean): Elements
  toggleClass(name: string, on: boolean): Elements
  append(child: Elements | string): Elements
  appendTo(parent: Elements | string): Elements
  find(selector: string): Elements
  text(): string
  text(text: string): Elements
  data(name: string): unknown
  data(name: string, value: unknown): Elements
  each(visit: (this: unknown) => void): Elements
  typedInput(options: Record<string, unknown>): Elements
  typedInput(method: 'type'): string
  typedInput(method: 'types' | 'value' | 'type', value: unknown): Elements
  editableList(options: Record<string, unknown>): Elements
  editableList(method: 'items'): Elements
  editableList(method: 'addItem', item: unknown): Elements
}

/** The answer of this pack's admin route. */
interface MediaFilesAnswer {
  folders: string[]
  /** `folder`: index in `folders`. */
  files: { name: string; folder: number }[]
  truncated: boolean
}

export interface Query {
  (selector: string | unknown): Elements
  /** Sends the token of the user who is signed in to the editor. */
  getJSON(url: 'ringflow/media-files'): PromiseLike<MediaFilesAnswer>
}

/** A configuration node, with the nodes that use it. */
export interface ConfigNode {
  readonly id: string
  readonly type: string
  /** The subflow that the node belongs to; absent or '' if every tab may use it. */
  readonly z?: string
  /** True if the node is disabled. */
  readonly d?: boolean
  readonly users: readonly { readonly type: string; readonly z?: string }[]
}

/** A node as the editor stores it. */
interface KnownNode extends EditorNode {
  readonly type: string
  readonly status?: unknown
}

interface EditorApi {
  events: {
    on(name: 'nodes:add', listener: (node: AddedNode) => void): void
    on(name: 'registry:node-type-added', listener: (type: string) => void): void
  }
  comms: { subscribe(topic: 'status/#', listener: (topic: string, status: { text?: unknown }) => void): void }
  nodes: {
    node(id: unknown): KnownNode | null
    eachConfig(visit: (node: ConfigNode) => unknown): void
    getType(type: string): EditorNode['_def'] | undefined
  }
  view: { redrawStatus(node: KnownNode): void }
  editor: { getEditStack(): readonly { id?: unknown }[] }
  utils: { validateTypedProperty(value: unknown, type: string, options?: unknown): boolean | string }
}

/** Node-RED sets both globals before it loads the form of a node. */
export const editor = (): { $: Query; RED: EditorApi } => globalThis as unknown as { $: Query; RED: EditorApi }
