package registrar

import (
	"container/heap"
	"slices"
	"time"
)

// expiry says that a contact of a user may expire then.
type expiry struct {
	at   time.Time
	user string
}

// expiries is a heap, the earliest first. Refreshing a contact leaves its old
// entry where it is: when that is due, the user is looked at, and filed anew.
type expiries []expiry

func (e expiries) Len() int           { return len(e) }
func (e expiries) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e expiries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *expiries) Push(x any)        { *e = append(*e, x.(expiry)) }
func (e *expiries) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

// schedule sees to it that the user is looked at when a contact expires. r.mu is held.
func (r *Registrar) schedule(user string, rec *record) {
	first := slices.MinFunc(rec.contacts, func(a, b Contact) int { return a.Expires.Compare(b.Expires) }).Expires
	if !rec.due.IsZero() && !first.Before(rec.due) {
		return
	}
	rec.due = first
	heap.Push(&r.due, expiry{first, user})
	if r.due[0].at.Equal(first) {
		r.timer.Reset(time.Until(first))
	}
}

// expire removes what has expired.
func (r *Registrar) expire() {
	now := time.Now()
	var changed []string
	r.mu.Lock()
	for len(r.due) > 0 && !now.Before(r.due[0].at) && !r.closed {
		e := heap.Pop(&r.due).(expiry)
		rec := r.users[e.user]
		if rec == nil || !rec.due.Equal(e.at) {
			continue // gone, or filed earlier meanwhile
		}
		rec.due = time.Time{}
		left := slices.DeleteFunc(slices.Clone(rec.contacts), func(c Contact) bool { return !now.Before(c.Expires) })
		if len(left) < len(rec.contacts) {
			changed = append(changed, e.user)
			r.set(e.user, left)
		} else {
			r.schedule(e.user, rec)
		}
	}
	if len(r.due) > 0 && !r.closed {
		r.timer.Reset(max(0, r.due[0].at.Sub(now)))
	}
	r.mu.Unlock()
	r.tell(changed...)
}
