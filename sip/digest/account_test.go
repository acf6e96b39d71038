package digest

import (
	"fmt"
	"sync"
	"testing"
)

// Calls that are challenged with the same nonce, at once and one after the other, are
// no replay of each other.
func TestClientsShareNonces(t *testing.T) {
	a, account := New("lab"), NewAccount("u", "pw")
	challenges := a.Challenges(here, false)
	var calls sync.WaitGroup
	for range 16 {
		calls.Go(func() {
			c := account.Client()
			if err := c.Challenged(false, challenges); err != nil {
				t.Error(err)
			}
			for range 4 {
				got, err := c.Credentials("INVITE", "sip:x", nil)
				if err != nil {
					t.Error(err)
					return
				}
				r := Request{Method: "INVITE", URI: "sip:x", Source: here, Authorization: []string{got[0].Value}}
				if _, err := a.Check(r, passwords); err != nil {
					t.Errorf("%s: %v", got[0].Value, err)
				}
			}
		})
	}
	calls.Wait()
	if n := account.uses.next("lab", "another"); n != 1 {
		t.Errorf("another nonce begins at %d", n)
	}
}

func TestUsesAreBounded(t *testing.T) {
	var u uses
	for i := range 10 * maxUses {
		if n := u.next("r", fmt.Sprint(i)); n != 1 {
			t.Fatalf("a new nonce begins at %d", n)
		}
		if n := u.next("r", "in use all the time"); n != i+1 {
			t.Fatalf("its use %d is counted as %d", i+1, n)
		}
	}
	if n := len(u.now) + len(u.past); n > 2*maxUses {
		t.Errorf("%d nonces are kept", n)
	}
}
