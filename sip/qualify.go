package sip

import (
	"context"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/registrar"
)

// patienceOfPhones is how many OPTIONS in a row a phone may leave unanswered.
const patienceOfPhones = 2

// hush is which phones have not answered OPTIONS of late. A phone is known by
// where it registered from.
type hush struct {
	mu     sync.Mutex
	missed map[string]int // OPTIONS in a row
}

func phoneKey(c registrar.Contact) string {
	return c.Transport + " " + c.Source.String() + " " + c.URI
}

func (s *hush) deaf(c registrar.Contact) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missed[phoneKey(c)] >= patienceOfPhones
}

func (s *hush) note(c registrar.Contact, answered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answered {
		delete(s.missed, phoneKey(c))
		return
	}
	if s.missed == nil {
		s.missed = map[string]int{}
	}
	s.missed[phoneKey(c)]++
}

// retain forgets the phones that are not registered any more.
func (s *hush) retain(registered map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.missed {
		if !registered[key] {
			delete(s.missed, key)
		}
	}
}

// Silent reports whether a phone does not answer OPTIONS. It is called only where
// the user has no other.
func (l *Local) Silent(c registrar.Contact) bool { return l.hush.deaf(c) }

// Run asks every registered phone by OPTIONS whether it is there, once in each
// LocalConfig.Qualify and evenly spread over it, until ctx is done. That also keeps
// their ways through NATs open (RFC 5626 section 4.4 leaves it to the phone, and
// many do nothing).
func (l *Local) Run(ctx context.Context) {
	if l.cfg.Qualify <= 0 {
		return
	}
	var asking sync.WaitGroup
	defer asking.Wait()
	step := time.NewTimer(0)
	defer step.Stop()
	var round []registrar.Contact
	for {
		select {
		case <-step.C:
		case <-ctx.Done():
			return
		}
		if len(round) == 0 {
			round = l.nextRound()
		}
		wait := l.cfg.Qualify
		if n := len(round); n > 0 {
			c := round[n-1]
			round = round[:n-1]
			asking.Go(func() { l.ask(ctx, c) })
			wait /= time.Duration(l.count)
		}
		step.Reset(wait)
	}
}

// nextRound lists who is to be asked.
func (l *Local) nextRound() []registrar.Contact {
	var round []registrar.Contact
	registered := map[string]bool{}
	for _, e := range l.cfg.Registrar.Entries() {
		for _, c := range e.Contacts {
			round = append(round, c)
			registered[phoneKey(c)] = true
		}
	}
	l.hush.retain(registered)
	l.count = len(round)
	return round
}

// ask sends OPTIONS to one phone. Any answer will do.
func (l *Local) ask(ctx context.Context, c registrar.Contact) {
	ctx, cancel := context.WithTimeout(ctx, min(l.cfg.Qualify, 64*sipgo.T1))
	defer cancel()
	t, err := l.e.contactTarget(c)
	if err == nil {
		_, err = l.e.do(ctx, l.newOptions(t))
	}
	if ctx.Err() == context.Canceled {
		return // we end: that says nothing of the phone
	}
	l.hush.note(c, err == nil)
}

func (l *Local) newOptions(t target) *sipgo.Request {
	callID, tag := random(16)+"@"+t.path.local.Addr().String(), random(8)
	req := l.e.newRequest(sipgo.OPTIONS, t.uri, t.path, callID, tag)
	for i := range t.routes {
		req.AppendHeader(&sipgo.RouteHeader{Address: t.routes[i]})
	}
	req.AppendHeader(&sipgo.FromHeader{
		Address: sipgo.Uri{Scheme: "sip", User: "ringpace", Host: l.cfg.Domain}, Params: sipgo.HeaderParams{{K: "tag", V: tag}},
	})
	req.AppendHeader(&sipgo.ToHeader{Address: t.uri})
	id := sipgo.CallIDHeader(callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: 1, MethodName: sipgo.OPTIONS})
	req.AppendHeader(&sipgo.ContactHeader{Address: contactURI("ringpace", t.path)})
	req.AppendHeader(sipgo.NewHeader("Accept", sdpType))
	setBody(req, nil)
	address(req, t.path, t.addr)
	return req
}
