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
	for _, id := range ids {
		switch it, ok := x.ID(id); {
		case ok && it.Gone == Cleared:
			return 0, fmt.Errorf("%w: put %s under hold there", ErrCleared, it.Uploaded.Object)
		case !ok || it.Gone != "":
			return 0, fmt.Errorf("%w: %s", ErrNotFound, id)
		}
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
	for _, id := range ids {
		if it, _ := x.ID(id); it.Held == !release {
			continue
		}
		e.ID = id
		if _, err := l.Append(e); err != nil {
			return changed, err
		}
		changed++
	}
	return changed, l.Sync()
}
