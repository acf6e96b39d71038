package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"ringpace/media/record/vault"
)

// Load reads and validates a file. Warnings are what works and is unwise; they
// come with and without an error. The error is an Errors where the file could be
// read, and holds every fault.
func Load(path string) (c *Config, warnings []Problem, err error) {
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
func Parse(name string, data []byte) (c *Config, warnings []Problem, err error) {
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, nil, fmt.Errorf("config: %w", err)
	}
	d := &decoder{
		file: name, dir: dir, config: Default(),
		at: make(map[string]place), anchors: make(map[string]ast.Node),
	}
	if int64(len(data)) > maxFile {
		d.fault(place{1, 1}, "", "the file is larger than %s", Size(maxFile))
		return nil, nil, Errors(d.problems)
	}
	body, ok := d.document(data)
	if !ok {
		return nil, nil, Errors(d.problems)
	}
	if body != nil {
		d.mapping(body, reflect.ValueOf(d.config).Elem(), "")
	}
	if r := &d.config.Redis; len(r.Sentinel.Addrs)+len(r.Cluster) > 0 {
		if _, given := d.at["redis.url"]; !given {
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
func (c *Config) Complete() (warnings []Problem, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return (&decoder{dir: dir, config: c}).complete()
}

func (d *decoder) complete() ([]Problem, error) {
	d.config.absolute(d.dir)
	d.config.settle()
	v := &validator{decoder: d, unread: slices.Clone(d.problems)}
	v.all()
	sortProblems(v.warnings)
	if len(d.problems) > 0 {
		sortProblems(d.problems)
		return v.warnings, Errors(d.problems)
	}
	return v.warnings, nil
}

// document parses the YAML and returns its one document, nil where it is empty.
func (d *decoder) document(data []byte) (body ast.Node, ok bool) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	file, err := parseYAML(data)
	if err != nil {
		at, message := place{1, 1}, err.Error()
		var positioned yaml.Error
		if errors.As(err, &positioned) {
			message = positioned.GetMessage()
			if t := positioned.GetToken(); t != nil && t.Position != nil {
				at = place{t.Position.Line, t.Position.Column}
			}
		}
		d.fault(at, "", "not valid YAML: %s", message)
		return nil, false
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if _, comment := doc.Body.(*ast.CommentGroupNode); comment {
			continue
		}
		if body != nil {
			d.fault(placeOf(doc.Body), "", "a second document (---); there may be one only")
			return nil, false
		}
		body = doc.Body
	}
	if body == nil {
		return nil, true
	}
	ast.Walk(d, body)
	return d.resolve(body, ""), true
}

// parseYAML turns a panic of the library into an error: an operator's typing
// error must not take the daemon down at a reload.
func parseYAML(data []byte) (f *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser gave up (%v)", r)
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// secret decodes a text, {env: NAME} or {file: PATH}.
func (d *decoder) secret(n ast.Node, s *Secret, path string) {
	if scalar(n) {
		*s = Secret{value: text(n), from: "the file"}
		return
	}
	pairs := d.pairs(n, path)
	if pairs == nil {
		return
	}
	if len(pairs) != 1 || (pairs[0].key != "env" && pairs[0].key != "file") {
		d.fault(pairs[0].at, path, "a secret is a text, {env: NAME} or {file: PATH}")
		return
	}
	p := pairs[0]
	value := d.resolve(p.value, path)
	if value == nil || !scalar(value) || text(value) == "" {
		d.fault(p.at, join(path, p.key), "is empty; write the name of a variable or of a file")
		return
	}
	name := text(value)
	if p.key == "env" {
		got, ok := os.LookupEnv(name)
		if !ok || got == "" {
			d.fault(placeOf(value), join(path, p.key), "the environment variable %s is not set", name)
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
		d.fault(placeOf(value), join(path, p.key), "cannot be read: %v", err)
		return
	}
	line := strings.TrimRight(string(got), "\r\n")
	if line == "" {
		d.fault(placeOf(value), join(path, p.key), "%s is empty", name)
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
