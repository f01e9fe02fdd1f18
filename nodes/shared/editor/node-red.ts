/** The parts of jQuery and of Node-RED's editor API that the forms use. */

export type Translate = (key: string, values?: Record<string, string | number>) => string

export interface EditorNode {
  readonly _def: { readonly _: Translate }
  readonly [property: string]: unknown
}

/** What Node-RED's editor tells by `nodes:add`, of every type. */
export interface AddedNode extends EditorNode {
  readonly type: string
  readonly _def: EditorNode['_def'] & { readonly defaults?: Record<string, { value: unknown }> }
  /** The node behind the guard that keeps locked flows from changes: bringing it up to date changes nothing that it does. */
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

export type Query = (selector: string | unknown) => Elements

/** What the runtime publishes about a node. */
export interface CommsMessage {
  text?: unknown
}

/** A node of the workspace, as the editor draws it. */
interface DrawnNode extends EditorNode {
  readonly type: string
  readonly status?: CommsMessage
}

interface EditorApi {
  comms: { subscribe(topic: string, listener: (topic: string, message: CommsMessage) => void): void }
  nodes: { node(id: string): DrawnNode | null | undefined }
  view: { redrawStatus(node: DrawnNode): void }
  events: { on(name: 'nodes:add', listener: (node: AddedNode) => void): void }
  editor: { getEditStack(): readonly { id?: unknown }[] }
  utils: { validateTypedProperty(value: unknown, type: string, options?: unknown): boolean | string }
}

/** Both are put on the page by Node-RED before any node's form is loaded. */
export const editor = (): { $: Query; RED: EditorApi } => globalThis as unknown as { $: Query; RED: EditorApi }
