// What the engine throws into a module's handler that asks for what cannot be. The host answers them;
// they are not faults: an EngineFault stops the engine, these undo one command.

/**
 * A module used its tables or timers in a way that they do not allow: the command is undone and
 * answered `module_failed`. The message says what was wrong and what to do instead.
 */
export class ModuleMisuse extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ModuleMisuse'
  }
}

/**
 * A table has its `rowsMax` rows, or a module its `MODULE_TIMERS_MAX` timers: the command is undone, answered
 * `module_full` and not remembered.
 */
export class ModuleFull extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ModuleFull'
  }
}
