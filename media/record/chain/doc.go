// Package chain keeps the list of recordings that an auditor can hold the files
// against: one file a day, each line linked to the one before by its SHA-256, so that
// a recording that was removed, added, renamed, altered or put in another's place shows,
// and a line that was altered, removed or moved too.
//
// # The files
//
// DIR/chain/2006-01-02.jsonl, one for each day (UTC) on which something happened, one
// JSON object a line (Entry), only ever appended to. A line's "prev" is the SHA-256 of
// the line before it, with its newline; the first line of a day names the last line of the
// day before. Lines are numbered through all days. With a shell:
//
//	sed -n 41p 2026-03-09.jsonl | sha256sum   # is "prev" of line 42
//
// # What it proves, and what not
//
// Each line vouches for all before it. Whoever changes one must write all that
// follow anew, which a person who may write to the directory can do: the chain alone does
// not tell a history that was rewritten, or cut off at its end, whole. What tells it is a
// Ref that was noted elsewhere: each call detail record holds the Ref of its recording's
// line, and Verify prints the last; Verify told of one (Options.Refs) proves that nothing up to
// it has changed since. A daemon that runs remembers the end by itself, and sees when the
// file was cut or replaced beneath it (Log.Fault). Recordings whose lines were cut off
// show as added as long as their files are there. The chain does not tell what was said
// in a call, nor that the clock was right.
//
// # Concurrency and crashes
//
// A Log is safe for concurrent use, and several processes may append to one chain: each
// takes the lock file, and first reads what others wrote. Append hands a line to the
// kernel, so that it outlives the process; Sync brings it to the disk. A line that a
// crash tore is cut off by the next Open, which was never promised to anybody.
package chain
