//go:build !linux || !(amd64 || arm64)

package media

// networks are the ways to read sockets.
var networks = map[string]func() (network, error){"goroutines": newNetwork}
