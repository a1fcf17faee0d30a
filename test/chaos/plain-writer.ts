import { fdatasyncSync, openSync, writeSync } from 'node:fs'

// Appends numbered records to the file named and syncs each. Prints its number and when the sync returned, in nanoseconds
// of the machine's monotonic clock. Ends with the first sync that fails.
const file = openSync(process.argv[2]!, 'w')
const record = Buffer.alloc(4_096)
for (let number = 1; ; number += 1) {
  record.writeUInt32LE(number)
  try {
    writeSync(file, record)
    fdatasyncSync(file)
  } catch {
    break
  }
  writeSync(1, `${number} ${process.hrtime.bigint()}\n`)
}
setInterval(() => {}, 1_000)
