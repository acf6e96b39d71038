// Package tone measures what was heard: tests send a tone into one end of a
// call and look for it at the other, in the file that was recorded there.
//
// The decoding of WAV and G.711 is deliberately not the media package's: an
// error made there alike on the way in and on the way out would otherwise
// cancel itself and never be seen.
//
// Everything here is pure and safe for concurrent use.
package tone
