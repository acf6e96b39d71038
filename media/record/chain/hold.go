package chain

import "fmt"

// Hold puts recordings under legal hold, so that nothing removes them, or takes them out
// of it where release is true. By and why go into the chain. The error wraps ErrNotFound
// where the chain has none of that id, or it has been removed, and ErrCleared where only an
// object storage has it, whose own holds are for it; then none is changed. It returns how
// many changed.
func Hold(root string, ids []string, by, why string, release bool) (changed int, err error) {
	x, err := Load(root)
	if err != nil {
		return 0, err
	}
	if err := x.present(ids); err != nil {
		return 0, err // and there is no chain begun where there was none
	}
	l, err := Open(root)
	if err != nil {
		return 0, err
	}
	defer l.Close()
	e := Entry{Kind: Held, By: by, Why: why}
	if release {
		e.Kind = Released
	}
	return l.change(x, ids, e)
}

// Holds reports whether a recording is under legal hold, as far as this process knows.
func (l *Log) Holds(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[id]
}

// present reports why not all of the recordings are there.
func (x *Index) present(ids []string) error {
	for _, id := range ids {
		switch it, ok := x.ID(id); {
		case ok && it.Gone == Cleared:
			return fmt.Errorf("%w: put %s under hold there", ErrCleared, it.Uploaded.Object)
		case !ok || it.Gone != "":
			return fmt.Errorf("%w: %s", ErrNotFound, id)
		}
	}
	return nil
}

// change appends e, of Held or Released, for each of the recordings that it says something
// new of, and brings that to the disk. Nothing is removed meanwhile; what was since the
// index was loaded is noticed.
func (l *Log) change(x *Index, ids []string, e Entry) (changed int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.within(func() error {
		if err := x.read(l.root); err != nil {
			return err
		}
		if err := x.present(ids); err != nil {
			return err
		}
		if err := l.catchUp(); err != nil {
			return err
		}
		for _, id := range ids {
			if it, _ := x.ID(id); it.Held == (e.Kind == Held) {
				continue
			}
			e.ID = id
			if _, err := l.write(e); err != nil {
				return err
			}
			changed++
		}
		return l.sync()
	})
	if err != nil {
		return changed, fmt.Errorf("chain: %w", err)
	}
	return changed, nil
}
