package registrar

import (
	"context"
	"fmt"
	"time"
)

// Entry is the contacts of one user.
type Entry struct {
	User     string
	Contacts []Contact
}

// Keeper keeps contacts outside of the process.
type Keeper interface {
	// Load returns what was saved and has not expired.
	Load(ctx context.Context) ([]Entry, error)

	// Save replaces what is kept of these users; without contacts: forgets them.
	Save(ctx context.Context, entries []Entry) error
}

const (
	saveBatch   = 256 // users of one Save
	saveTimeout = 5 * time.Second
	saveRetry   = time.Second // after a failed Save, then longer
	saveRarest  = 15 * time.Second
)

// Load takes over what the Keeper has, as at the start of the process. Contacts
// that hung on connections are not among it: those died with the process.
func (r *Registrar) Load(ctx context.Context) error {
	if r.cfg.Keeper == nil {
		return nil
	}
	entries, err := r.cfg.Keeper.Load(ctx)
	if err != nil {
		return fmt.Errorf("registrar: load the contacts: %w", err)
	}
	now := time.Now()
	for _, e := range entries {
		if _, known := r.cfg.Credentials(e.User); !known {
			continue
		}
		var contacts []Contact
		for _, c := range e.Contacts {
			if now.Before(c.Expires) && c.lasts() {
				contacts = append(contacts, c)
			}
		}
		if len(contacts) == 0 {
			continue
		}
		r.mu.Lock()
		if r.users[e.User] == nil { // who registered meanwhile is right
			r.set(e.User, contacts)
			delete(r.dirty, e.User)
		}
		r.mu.Unlock()
		r.tell(e.User)
	}
	return nil
}

// markDirty says that the Keeper has to be told of a user. r.mu is held.
func (r *Registrar) markDirty(user string) {
	if r.cfg.Keeper == nil {
		return
	}
	r.dirty[user] = struct{}{}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run tells the Keeper of every change, until ctx is done. No REGISTER waits for
// it. While the Keeper fails, what changed is remembered (a name of each user),
// and saved when it works again.
func (r *Registrar) Run(ctx context.Context) {
	if r.cfg.Keeper == nil {
		return
	}
	retry := saveRetry
	pause := time.NewTimer(0)
	defer pause.Stop()
	<-pause.C
	failing := false
	for {
		select {
		case <-r.wake:
		case <-pause.C:
		case <-ctx.Done():
			r.saveRest(context.WithoutCancel(ctx))
			return
		}
		for err := error(nil); ; {
			var more bool
			if more, err = r.save(ctx); err != nil {
				if !failing {
					r.log.Warn("registrar: contacts cannot be saved; they are kept in memory until they can", "err", err)
				}
				failing = true
				pause.Reset(retry)
				retry = min(2*retry, saveRarest)
				break
			}
			if failing {
				r.log.Info("registrar: contacts are saved again")
			}
			failing, retry = false, saveRetry
			if !more {
				break
			}
		}
	}
}

// saveRest saves what is left at the end of Run, if that works at once.
func (r *Registrar) saveRest(ctx context.Context) {
	for {
		if more, err := r.save(ctx); err != nil || !more {
			return
		}
	}
}

// save saves some of what has changed. more: there is more of it.
func (r *Registrar) save(ctx context.Context) (more bool, err error) {
	var entries []Entry
	r.mu.Lock()
	for user := range r.dirty {
		if len(entries) == saveBatch {
			break
		}
		e := Entry{User: user}
		if rec := r.users[user]; rec != nil {
			e.Contacts = rec.contacts // set replaces the slice, and changes nothing in it
		}
		entries = append(entries, e)
		delete(r.dirty, user)
	}
	more = len(r.dirty) > 0
	r.mu.Unlock()
	if len(entries) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	if err := r.cfg.Keeper.Save(ctx, entries); err != nil {
		r.mu.Lock()
		for _, e := range entries {
			r.dirty[e.User] = struct{}{}
		}
		r.mu.Unlock()
		return false, err
	}
	return more, nil
}
