//go:build race

package media

// decryptAllocates: with the race detector one value of pion/srtp's moves to the heap.
const decryptAllocates = 1
