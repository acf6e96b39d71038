// Package detect listens to what a called party sends and says what it is: so far,
// when somebody begins to speak and when the greeting is over. Detectors are taps of
// a media session: they run on the packet path, allocate nothing there, and need no
// goroutine or timer of their own.
package detect
