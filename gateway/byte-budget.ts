// A count of bytes that may be kept at one time, by all requests together.

/** Bytes taken and given back, never more than a limit at once. */
export interface ByteBudget {
  /** Takes `bytes` if they are there. */
  take(bytes: number): boolean
  giveBack(bytes: number): void
  /** Bytes taken now. */
  used(): number
}

/** A budget of `bytesMax`. */
export function createByteBudget(bytesMax: number): ByteBudget {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > bytesMax) return false
      used += bytes
      return true
    },
    giveBack(bytes) {
      used -= bytes
    },
    used: () => used,
  }
}
