// Package media carries the voice: RTP sessions with their ports, offer and answer,
// the bridge between two legs, prompts, and the 20 ms clock that keeps idle legs
// alive. It knows no call and no SIP, only sessions; descriptions come and go as
// bytes.
package media
