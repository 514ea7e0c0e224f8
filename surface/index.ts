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
  isObject,
  joinPath,
  type SchemaCheck,
  schemaFault,
  subject,
} from './schema-check.ts'
