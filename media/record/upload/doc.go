// Package upload brings finished recordings, and the chain of checksums over them, to an
// object storage that speaks S3.
//
// # The queue
//
// There is none but the chain of the recording directory: what has a line that it is kept,
// and none that it is uploaded, waits (chain.Backlog). So what waits outlives the process,
// whatever ends it, and nothing can contradict the chain. The recorder writes its line and
// gives a nudge; nothing of the call or the recording waits for the network. Recordings go
// in the order in which they were kept, up to Config.Parallel at a time, each read from the
// disk as it is sent. One that a crash cut off waits some minutes, for the floor may
// discard it.
//
// # What is proven
//
// A file is first held against its SHA-256 in the chain: what was altered here does not
// replace the original there. It goes up in one request, with its SHA-256 as signed payload
// hash and as checksum, and its MD5, so that the storage refuses what the network changed.
// Then the storage is asked what it has: size and SHA-256, or the ETag where that is the
// MD5; where it names neither, the object is read back. Only then the chain gets the line
// "uploaded", is brought to the disk, and only after that may the file go (Config.Clear),
// by a line "cleared". A crash in between costs one question to the storage.
//
// # What is never written over
//
// An object that is there already and is not this recording stays. Nothing is sent to where
// the storage does not say what it has, as while it fails. Where it says that there is nothing
// (404), or shows our access key nothing (403), the upload has it refuse a place that is taken
// (If-None-Match: *). A storage that knows no such condition and says so is believed a 404,
// and sent nothing after a 403; one that ignores the condition is safe only with a key that
// may read and list.
//
// # The chain's own copy
//
// The files of the chain go up every few minutes, over their copies. A file that does not
// begin with what the storage has of it, or was given by this uploader, was changed here: then
// the copy stays as it is, and Tampered tells. What a key that may not read was given before
// the last start nobody can tell; that copy stays as it is, too.
//
// # Faults
//
// What a retry cannot mend (keys, bucket, region, certificate) is told at once with what
// to do; the network's faults are told once they last. Both are tried again with growing
// pauses by one upload, until one succeeds. A fault of one recording holds up no other.
//
// # Ownership
//
// The goroutine of run owns the backlog and all that waits; uploads are goroutines that
// report to it. Uploader.mu covers the figures that others read.
package upload
