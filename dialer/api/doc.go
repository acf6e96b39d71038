// Package api is the daemon's face: the wire types, the HTTP server with its
// OpenAPI description, server-sent events, Prometheus metrics, and the client
// that the command line uses.
//
// It knows the call floor only through the interface Floor, which it declares and
// the daemon implements; it holds no state of the floor. What it does own:
//
//   - the Server: routes, authorisation by bearer token and role, limits of size
//     and time;
//   - the Feed: a bounded ring of the latest events, from which each reader of
//     /v1/events is served and can catch up;
//   - the Metrics: a registry of its own, filled partly by the daemon as things
//     happen and partly from the Floor at scrape time.
//
// Concurrency: every exported type may be used by many goroutines at once. A
// Floor is called from the goroutine of each HTTP request, so it must be safe for
// that; calls carry the request's context and, by CallerFrom, who asks.
package api
