package sip

// isWebSocket reports whether a transport is one of WebSockets (RFC 7118).
func isWebSocket(transport string) bool { return transport == "ws" || transport == "wss" }
