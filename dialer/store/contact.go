package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringpace/sip/registrar"
)

// Contacts keeps who is registered at this node's registrar; it is its Keeper. Each
// node has its own, in a slot of its own:
//
//	{r:NODE}:contacts   hash: user -> Redis' time in ms, contacts in JSON
//	{r:NODE}:lapse      sorted set: user by the time when the last contact expires
//
// Other nodes see them (Of), and cannot call them: a phone is reached through the
// NAT binding and the connection that it has made, and those end at one node.
type Contacts struct{ s *Store }

// Contacts returns the keeper of this node.
func (s *Store) Contacts() Contacts { return Contacts{s} }

// keptContact is a contact as it is kept: how long it lasts instead of when it
// ends, for the clock is Redis'.
type keptContact struct {
	registrar.Contact
	Left int64 // ms from the time of saving
}

// Save implements registrar.Keeper.
func (c Contacts) Save(ctx context.Context, entries []registrar.Entry) error {
	sp, err := nodeSpace(c.s.node)
	if err != nil {
		return err
	}
	now := time.Now()
	args := make([]any, 0, 3*len(entries))
	for _, e := range entries {
		var kept []keptContact
		var last int64
		for _, contact := range e.Contacts {
			left := contact.Expires.Sub(now).Milliseconds()
			contact.Expires = time.Time{}
			kept = append(kept, keptContact{contact, left})
			last = max(last, left)
		}
		if last == 0 {
			args = append(args, e.User, 0, "")
			continue
		}
		text, err := json.Marshal(kept)
		if err != nil {
			return fmt.Errorf("store: contacts of %s: %w", e.User, err)
		}
		args = append(args, e.User, last, text)
	}
	_, err = c.s.run(ctx, c.s.scripts.contacts, sp.keys("contacts", "lapse"), args...)
	return err
}

// Load implements registrar.Keeper.
func (c Contacts) Load(ctx context.Context) ([]registrar.Entry, error) { return c.Of(ctx, c.s.node) }

// Of returns who is registered at a node.
func (c Contacts) Of(ctx context.Context, node string) ([]registrar.Entry, error) {
	sp, err := nodeSpace(node)
	if err != nil {
		return nil, err
	}
	var out []registrar.Entry
	seen := map[string]bool{} // a scan may tell a field twice
	for cursor := uint64(0); ; {
		if err := c.s.reachable(); err != nil {
			return nil, err
		}
		long, cancel := context.WithTimeout(ctx, c.s.bulkTimeout())
		pipe := c.s.redis.Pipeline()
		clock := pipe.Time(long)
		scan := pipe.HScan(long, sp.key("contacts"), cursor, "", contactPage)
		_, err := pipe.Exec(long)
		cancel()
		if err := c.s.outcome(ctx, err); err != nil {
			return nil, err
		}
		fields, next := scan.Val()
		for i := 0; i+1 < len(fields); i += 2 {
			if seen[fields[i]] {
				continue
			}
			seen[fields[i]] = true
			contacts, err := readContacts(fields[i+1], clock.Val())
			if err != nil {
				c.s.log.Warn("contacts in Redis cannot be read; the phone will register again", "user", fields[i], "err", err)
			}
			if len(contacts) > 0 {
				out = append(out, registrar.Entry{User: fields[i], Contacts: contacts})
			}
		}
		if cursor = next; cursor == 0 {
			return out, nil
		}
	}
}

const contactPage = 500 // users in one answer

// readContacts reads what Save has written. now is by the Redis clock.
func readContacts(text string, now time.Time) ([]registrar.Contact, error) {
	stamp, list, _ := strings.Cut(text, " ")
	saved, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return nil, err
	}
	var kept []keptContact
	if err := json.Unmarshal([]byte(list), &kept); err != nil {
		return nil, err
	}
	age := now.UnixMilli() - saved
	var out []registrar.Contact
	for _, k := range kept {
		if left := time.Duration(k.Left-age) * time.Millisecond; left > 0 {
			k.Expires = time.Now().Add(left)
			out = append(out, k.Contact)
		}
	}
	return out, nil
}
