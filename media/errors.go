package media

import "errors"

// What can go wrong. Errors that come out of this package wrap one of these where
// a caller may want to tell them apart.
var (
	// ErrClosed: the engine, session or bridge is closed.
	ErrClosed = errors.New("media: closed")
	// ErrPortsExhausted: every pair of the port range is in use, cooling down or
	// taken by another process.
	ErrPortsExhausted = errors.New("media: no free RTP port pair")
	// ErrBridged: a session can be in one bridge at a time.
	ErrBridged = errors.New("media: session is bridged already")

	// ErrSDP: the session description cannot be parsed.
	ErrSDP = errors.New("media: malformed session description")
	// ErrNoAudio: there is no audio stream over RTP in the description.
	ErrNoAudio = errors.New("media: no usable audio stream in the session description")
	// ErrRejected: the far side refused the audio stream (port 0, RFC 3264
	// section 6).
	ErrRejected = errors.New("media: audio stream rejected")
	// ErrNoCommonCodec: the two sides share no codec.
	ErrNoCommonCodec = errors.New("media: no common codec")
	// ErrSecurity: one side wants SRTP and the other does not, or they share no suite.
	ErrSecurity = errors.New("media: no common security")
	// ErrAddress: the connection address is missing or is not an IP address.
	ErrAddress = errors.New("media: unusable connection address")

	// ErrWAV: the file is not a WAV file that can be read.
	ErrWAV = errors.New("media: unreadable WAV file")
)
