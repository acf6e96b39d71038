package journal

import (
	"fmt"
	"os"
	"path/filepath"
)

// write is the goroutine that owns the file. It returns after Close.
func (j *Journal) write() {
	defer close(j.done)
	for range j.wake {
		j.mu.Lock()
		queue, marks, closed := j.queue, j.marks, j.closed
		j.queue, j.marks = nil, make(map[string][]byte)
		j.mu.Unlock()
		j.commit(queue, marks)
		if closed {
			return
		}
	}
}

// commit writes one batch, with one fsync if anybody waits for it.
func (j *Journal) commit(queue []request, marks map[string][]byte) {
	var text []byte
	for id, payload := range marks {
		text = j.add(text, line{kindMark, id, payload})
	}
	sync := false
	for _, r := range queue {
		text = j.add(text, r.line)
		sync = sync || r.synced != nil
	}
	err := j.put(text, sync)
	for _, r := range queue {
		if r.synced != nil {
			r.synced <- err
		}
	}
}

func (j *Journal) add(text []byte, l line) []byte {
	j.state.apply(l)
	return appendLine(text, l)
}

// put appends text, or rewrites the whole file where that is due: the state
// holds the text already.
func (j *Journal) put(text []byte, sync bool) error {
	if len(text) == 0 {
		return nil
	}
	if j.damaged || (j.size > compactAt && j.size > 4*j.state.bytes) {
		if err := j.compact(); err == nil || j.damaged {
			return err
		}
	}
	n, err := j.file.Write(text)
	j.size += n
	if err == nil && sync {
		err = j.file.Sync()
	}
	if err != nil {
		j.damaged = true
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// compact replaces the file by one that holds the state and nothing else. Until
// the new one has its name the old one stays as it is.
func (j *Journal) compact() error {
	path := filepath.Join(j.dir, fileName)
	text := j.state.appendTo(nil)
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		file.Close()
		return fmt.Errorf("journal: rewrite: %w", err)
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.size = file, len(text)
	err = syncDir(j.dir)
	j.damaged = err != nil
	if err != nil {
		return fmt.Errorf("journal: rewrite: %w", err)
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
