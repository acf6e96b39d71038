// Package vault encrypts recordings to age recipients (age-encryption.org/v1), so that
// whoever has the disk, or the daemon after it wrote them, cannot read them.
//
// # The two forms of a file
//
// An age file cannot be what a call in progress is written to. Its audio goes through 64
// KiB chunks in order, of four seconds each, while a crash may cost one; and a WAV header,
// which says how much there is, comes first. So a recording has two forms under one name:
//
//   - Unsealed, as long as the call lasts: a Spool, a log of records, each a stretch of the
//     WAV file with its place in it, encrypted on its own under a key of that recording.
//     The key is in this process's memory, and in the file's head wrapped to the recipients.
//     What is written over is a later record: nothing in the file changes.
//   - Sealed, thereafter: an age file of the whole WAV file, which `age -d` reads. Seal
//     makes it from the spool; it replaces the spool under its name, and the key is
//     forgotten.
//
// Nothing in plain text is ever on the disk. What a process that was killed leaves is
// unsealed for good: the next one has no key to seal it with, and leaves it as it is. The
// recipients read it as they read the other (Decrypt), up to its last whole record.
//
// # The unsealed form
//
// A line of text, spoolMagic; the length of what follows, 4 octets; an age file that holds
// the key, of 32 octets; and records: number, length n and place in the WAV file (4, 4 and
// 8 octets), and n + 16 octets of AES-256-GCM whose nonce is the number, in 12 octets, and
// whose additional data the 16 octets before. Numbers rise; a number is used once, also
// where the write failed. All numbers are little-endian.
//
// # What is told in the clear
//
// Both forms carry a Label in the age header: the recording's id, its start, its format
// and, when it is sealed, its length, which the chain and the call detail record tell as
// well. It is a stanza of a type of its own, ringpace/recording, which age readers skip,
// and the header's MAC covers it. The places of records tell how long a call was.
//
// # Concurrency
//
// Recipients may be used by many goroutines; a Spool by one at a time.
package vault
