// Package lab is a telephone network in a box: a carrier that demands what real
// ones demand (registration, digest, the official caller ID) and whose callees
// answer, are busy, let it ring or fail by set shares; and a PBX with softphones.
// Both speak real SIP and real RTP over loopback, through the very rooms that the
// daemon uses, so that a demo or a test of the daemon needs nothing else.
//
// What a callee does depends on nothing but the seed and the called number: a run
// can be repeated, and an assertion can name the number.
//
// A Carrier and a PBX each own an endpoint, a media engine and one goroutine per
// call. All their methods may be called from any goroutine. Close ends the calls,
// waits for those goroutines and frees the sockets.
package lab
