package chain

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Walk is filepath.WalkDir for a recording directory, which may be a symbolic link, and may
// have links to directories elsewhere in it: they are walked as if they were directories,
// each once, and names are those below root.
func Walk(root string, fn fs.WalkDirFunc) error {
	home, err := filepath.EvalSymlinks(root)
	if err != nil {
		home = root // fn is told
	}
	w := walker{fn: fn, home: home, seen: map[string]bool{home: true}}
	return w.tree(root, home)
}

type walker struct {
	fn   fs.WalkDirFunc
	home string
	seen map[string]bool // directories, by their real names
	done bool            // fn wants no more
}

// tree walks a directory, whose real name is at, under another name.
func (w *walker) tree(name, at string) error {
	return filepath.WalkDir(at, func(here string, d fs.DirEntry, err error) error {
		shown := name
		if here != at {
			shown = filepath.Join(name, strings.TrimPrefix(here, at))
		}
		if to := w.elsewhere(here, d); err == nil && to != "" {
			w.seen[to] = true
			if err := w.tree(shown, to); err != nil || !w.done {
				return err
			}
			return fs.SkipAll
		}
		err = w.fn(shown, d, err)
		w.done = err == fs.SkipAll
		return err
	})
}

// elsewhere is the real name of the directory that a link leads to, out of the recording
// directory; empty for all else.
func (w *walker) elsewhere(name string, d fs.DirEntry) string {
	if d == nil || d.Type()&fs.ModeSymlink == 0 {
		return ""
	}
	to, err := filepath.EvalSymlinks(name)
	if err != nil || w.seen[to] || strings.HasPrefix(to, w.home+string(filepath.Separator)) {
		return ""
	}
	if stat, err := os.Stat(to); err != nil || !stat.IsDir() {
		return ""
	}
	return to
}
