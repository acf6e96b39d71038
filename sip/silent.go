package sip

import (
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// maxSilent bounds the memory of silent INVITEs.
const maxSilent = 4096

// silent remembers the INVITEs that were given up for want of a response, longer than
// their calls last: a server that was only slow may ring yet, while another one that was
// asked in its place, or the next call, rings the same person.
type silent struct {
	mu    sync.Mutex // protects the fields below
	known map[string]silentInvite
	swept time.Time // when those that are over were looked for last
}

type silentInvite struct {
	req   *sipgo.Request
	until time.Time // 64*T1: then the far side has given it up as well
}

func (s *silent) init() { s.known = map[string]silentInvite{} }

// keep remembers an INVITE.
func (s *silent) keep(invite *sipgo.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if len(s.known) >= maxSilent && now.Sub(s.swept) > sipgo.T1 {
		s.swept = now
		for k, v := range s.known {
			if now.After(v.until) {
				delete(s.known, k)
			}
		}
	}
	if len(s.known) < maxSilent {
		s.known[branchOf(invite)] = silentInvite{invite, now.Add(64 * sipgo.T1)}
	}
}

// take returns the INVITE that a response answers, if it was given up, and forgets it.
func (s *silent) take(res *sipgo.Response) *sipgo.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.known[branchOf(res)]
	delete(s.known, branchOf(res))
	if !ok || time.Now().After(known.until) {
		return nil
	}
	return known.req
}

// silence cancels the INVITE of a provisional response, if nobody waits for that any
// more: it can be cancelled only now (RFC 3261 section 9.1).
func (e *Endpoint) silence(res *sipgo.Response) {
	if invite := e.silent.take(res); invite != nil {
		e.spawn(func() { e.sendCANCEL(invite, completedElsewhere) })
	}
}
