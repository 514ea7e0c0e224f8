// What modules can be asked for, made ready for those who take requests in: the gateway, and the engine
// that a program embeds. Imports protocol/ alone, and knows no module by name.

export {
  type Action,
  type ActionInput,
  Actions,
  differenceCode,
  inputFault,
  writeAction,
} from './actions.ts'
export {
  compileSchema,
  compileShape,
  isObject,
  joinPath,
  type SchemaCheck,
  type Shape,
  schemaFault,
  shapeFault,
  subject,
} from './schema-check.ts'
export { objectDefect, schemaDefect } from './schema-defect.ts'
