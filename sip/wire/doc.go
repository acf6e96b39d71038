// Package wire is where messages enter and leave: the sockets that an endpoint listens
// on and the connections that it opens, over UDP, TCP, TLS and WebSockets (RFC 3261
// section 18, RFC 7118), and the transactions that carry requests over them (section
// 17). It binds, dials, frames, judges and traces. Responses go to the client
// transactions, which are its own; requests to sipgo, whose server transactions and
// transports it alone drives. It knows no call and no trunk.
//
// # Who owns what
//
// A [Layer] owns all sockets of one endpoint. Datagrams pass through udpSocket,
// connections that were accepted through stream, those that were dialed through flow on
// top of that; webSocket makes frames that sipgo understands. Each drops what the guard
// refuses and what is not in order before sipgo sees it, so that a stranger costs neither
// a goroutine nor an entry in sipgo's pool.
//
// Connections over TCP and TLS are opened here, not by sipgo, one for each server and
// trunk: under the trunk's own authorities, name and certificate ([Profile]). They are
// handed to sipgo as if they had been accepted, so that it reads them and finds them
// again.
//
// # Concurrency
//
// Each socket has one reader, which is sipgo's; what it reads is judged on that
// goroutine, in order. A Layer may be used from any goroutine between Open and Close;
// [Layer.Close] returns when no goroutine of it remains.
//
// # Message size
//
// sipgo refuses UDP messages over 1300 bytes. An INVITE with credentials and SDP passes
// that easily, so the limit is raised, once and before any layer exists, to maxDatagram;
// such messages travel as IP fragments, as they do with every common user agent. Longer
// ones fail with [ErrTooLong]: use TCP for trunks that need them.
package wire
