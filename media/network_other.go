//go:build !linux || !(amd64 || arm64)

package media

// newNetwork returns what reads sockets where epoll is not at hand.
func newNetwork() (network, error) { return goroutines{}, nil }
