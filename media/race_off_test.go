//go:build !race

package media

// decryptAllocates is what decrypting a packet allocates.
const decryptAllocates = 0
