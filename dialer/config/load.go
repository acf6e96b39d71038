package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"ringpace/configs/document"
	"ringpace/media/record/vault"
)

// Load reads and validates a file. Warnings are what works and is unwise; they
// come with and without an error. The error is document.Problems where the file
// could be read, and holds every fault.
func Load(path string) (c *Config, warnings document.Problems, err error) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, nil, fmt.Errorf("config: %w", err)
	}
	return Parse(path, data)
}

// Limits of what is read: a configuration, and the file of a secret.
const (
	maxFile   = 4 << 20
	maxSecret = 64 << 10
)

// readFile reads a regular file of at most limit bytes, so that a device or a
// pipe does not hang a reload.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s is larger than %s", path, Size(limit))
	}
	return data, err
}

// Parse reads and validates a configuration. The name stands in messages, and
// its directory is where relative paths begin. See Load.
func Parse(name string, data []byte) (c *Config, warnings document.Problems, err error) {
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, nil, fmt.Errorf("config: %w", err)
	}
	d := &decoder{Document: document.New(name), dir: dir, config: Default()}
	if int64(len(data)) > maxFile {
		d.Fault(document.Beginning(), "", "the file is larger than %s", Size(maxFile))
		return nil, nil, d.Problems
	}
	body, ok := d.Parse(data)
	if !ok {
		return nil, nil, d.Problems
	}
	if body != nil {
		d.mapping(body, reflect.ValueOf(d.config).Elem(), "")
	}
	if r := &d.config.Redis; len(r.Sentinel.Addrs)+len(r.Cluster) > 0 {
		if !d.Given("redis.url") {
			r.URL = "" // the default gives way
		}
	}
	if warnings, err = d.complete(); err != nil {
		return nil, warnings, err
	}
	return d.config, warnings, nil
}

// Complete does for a configuration that was made in code what Parse does for
// one that was read: fills in what depends on other parts, makes paths absolute
// from the working directory, and validates.
func (c *Config) Complete() (warnings document.Problems, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return (&decoder{Document: document.New(""), dir: dir, config: c}).complete()
}

func (d *decoder) complete() (document.Problems, error) {
	d.config.absolute(d.dir)
	d.config.settle()
	v := &validator{decoder: d, unread: slices.Clone(d.Problems)}
	v.all()
	v.warnings.Sort()
	if len(d.Problems) > 0 {
		d.Problems.Sort()
		return v.warnings, d.Problems
	}
	return v.warnings, nil
}

// secret decodes a text, {env: NAME} or {file: PATH}.
func (d *decoder) secret(n ast.Node, s *Secret, path string) {
	if document.Scalar(n) {
		*s = Secret{value: document.Text(n), from: "the file"}
		return
	}
	pairs := d.Pairs(n, path)
	if pairs == nil {
		return
	}
	if len(pairs) != 1 || (pairs[0].Key != "env" && pairs[0].Key != "file") {
		d.Fault(pairs[0].At, path, "a secret is a text, {env: NAME} or {file: PATH}")
		return
	}
	p := pairs[0]
	value := d.Resolve(p.Value, path)
	if value == nil || !document.Scalar(value) || document.Text(value) == "" {
		d.Fault(p.At, document.Join(path, p.Key), "is empty; write the name of a variable or of a file")
		return
	}
	name := document.Text(value)
	if p.Key == "env" {
		got, ok := os.LookupEnv(name)
		if !ok || got == "" {
			d.Fault(document.PlaceOf(value), document.Join(path, p.Key), "the environment variable %s is not set", name)
			return
		}
		*s = Secret{value: got, from: "$" + name}
		return
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(d.dir, name)
	}
	got, err := readFile(name, maxSecret)
	if err != nil {
		d.Fault(document.PlaceOf(value), document.Join(path, p.Key), "cannot be read: %v", err)
		return
	}
	line := strings.TrimRight(string(got), "\r\n")
	if line == "" {
		d.Fault(document.PlaceOf(value), document.Join(path, p.Key), "%s is empty", name)
		return
	}
	*s = Secret{value: line, from: name}
}

// absolute makes every path of the configuration absolute.
func (c *Config) absolute(dir string) {
	from := func(base string, path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(base, *path)
		}
	}
	from(dir, &c.Node.DataDir)
	orElse(&c.Recording.Dir, filepath.Join(c.Node.DataDir, "recordings"))
	orElse(&c.CDR.Dir, filepath.Join(c.Node.DataDir, "cdr"))
	from(dir, &c.Recording.Dir)
	from(dir, &c.CDR.Dir)
	from(dir, &c.Recording.Upload.CAFile)
	for i := range c.Recording.EncryptTo {
		if r := &c.Recording.EncryptTo[i]; !vault.IsKey(*r) {
			from(dir, r)
		}
	}
	if m := &c.Hold.Music; *m != MusicTone && *m != MusicOff {
		from(dir, m)
	}
	prompt := func(p *string) {
		if *p != PromptDefault && *p != PromptOff {
			from(dir, p)
		}
	}
	prompt(&c.Recording.Consent.Prompt)
	for _, l := range c.links() {
		from(dir, &l.TLS.CAFile)
		from(dir, &l.TLS.CertFile)
		from(dir, &l.TLS.KeyFile)
	}
	for i := range c.Campaigns {
		for _, p := range c.Campaigns[i].Inbound.Prompts.all() {
			prompt(p.file)
		}
		prompt(&c.Campaigns[i].Consent)
		if m := &c.Campaigns[i].Message; *m != MessageDefault && *m != MessageOff {
			from(dir, m)
		}
	}
}
