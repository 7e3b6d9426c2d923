//go:build !plain && !fasthttp

// This file owns what a session of the service ftp finds: a folder of its own
// with the files that were asked for, and what is told of files that are
// stored there. It knows nothing about the protocol.
package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"
)

var (
	errRoot       = errors.New("the root stays")
	errIsFolder   = errors.New("it is a folder")
	errIsNoFolder = errors.New("it is no folder")
	errNoModes    = errors.New("there are no modes and owners here")
)

// ftpFile is one that every session finds.
type ftpFile struct {
	name    string
	hole    int64
	content []byte
}

func (c *fileCommand) file() (ftpFile, error) {
	switch {
	case c.Name == nil:
		return ftpFile{}, missing("name")
	case !fs.ValidPath(*c.Name) || *c.Name == ".":
		return ftpFile{}, badCommand("%q is no name of a file in a tree", *c.Name)
	case c.Content == nil:
		return ftpFile{}, missing("content")
	case c.Hole < 0:
		return ftpFile{}, badCommand("the member \"hole\" is below 0")
	}
	content, err := c.Content.recipe()
	if err != nil {
		return ftpFile{}, err
	}
	return ftpFile{*c.Name, c.Hole, content.all()}, nil
}

// ftpTree is a folder with the files of all sessions, until it is removed.
type ftpTree struct {
	afero.Fs
	root   string
	report *reporter

	mu   sync.Mutex
	gone bool
}

func newFTPTree(files []ftpFile, report *reporter) (*ftpTree, error) {
	root, err := os.MkdirTemp(os.Getenv("TMPDIR"), "parley-ftp-")
	if err != nil {
		return nil, err
	}
	tree := &ftpTree{Fs: afero.NewBasePathFs(afero.NewOsFs(), root), root: root, report: report}
	for _, file := range files {
		if err := tree.put(file); err != nil {
			tree.remove()
			return nil, err
		}
	}
	return tree, nil
}

func (t *ftpTree) put(file ftpFile) error {
	where := filepath.Join(t.root, filepath.FromSlash(file.name))
	if err := os.MkdirAll(filepath.Dir(where), 0o755); err != nil {
		return err
	}
	made, err := os.Create(where)
	if err != nil {
		return err
	}
	defer made.Close()
	if err := made.Truncate(file.hole); err != nil {
		return err
	}
	_, err = made.WriteAt(file.content, file.hole)
	return err
}

// remove may come again: Windows keeps files that a transfer has open.
func (t *ftpTree) remove() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gone = true
	_ = os.RemoveAll(t.root)
}

func isRoot(name string) bool { return filepath.ToSlash(filepath.Clean(name)) == "/" }

// Remove and RemoveDir are for DELE and RMD, which ftpserverlib tells apart if
// both are there.
func (t *ftpTree) Remove(name string) error { return t.removeOne(name, false, errIsFolder) }

func (t *ftpTree) RemoveDir(name string) error { return t.removeOne(name, true, errIsNoFolder) }

func (t *ftpTree) removeOne(name string, folder bool, otherwise error) error {
	info, err := t.Stat(name)
	switch {
	case isRoot(name):
		return errRoot
	case err != nil:
		return err
	case info.IsDir() != folder:
		return otherwise
	}
	return t.Fs.Remove(name)
}

func (t *ftpTree) RemoveAll(name string) error {
	if isRoot(name) {
		return errRoot
	}
	return t.Fs.RemoveAll(name)
}

// Chmod and Chown could make a tree that cannot be removed.
func (t *ftpTree) Chmod(string, os.FileMode) error { return errNoModes }

func (t *ftpTree) Chown(string, int, int) error { return errNoModes }

// GetHandle opens a file for a transfer, in the place of OpenFile. A transfer
// may outlive its session, and must not make anything then.
func (t *ftpTree) GetHandle(name string, flags int, _ int64) (ftpserver.FileTransfer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return nil, fs.ErrClosed
	}
	file, err := t.OpenFile(name, flags, 0o644)
	if err != nil {
		return nil, err
	}
	return &ftpTransfer{File: file, tree: t, name: name, stores: flags&os.O_WRONLY != 0}, nil
}

func (t *ftpTree) isGone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gone
}

// ftpTransfer is a file while it is carried.
type ftpTransfer struct {
	afero.File
	tree   *ftpTree
	name   string
	stores bool
	broken bool
}

// TransferError is what ftpserverlib calls where a transfer breaks off.
func (f *ftpTransfer) TransferError(error) { f.broken = true }

// Seek is for REST. Where it fails, no transfer begins, and no more is said.
func (f *ftpTransfer) Seek(offset int64, whence int) (int64, error) {
	at, err := f.File.Seek(offset, whence)
	f.broken = f.broken || err != nil
	return at, err
}

// Close comes before the 226.
func (f *ftpTransfer) Close() error {
	err := f.File.Close()
	switch {
	case f.tree.isGone():
		f.tree.remove()
		return err
	case err != nil || f.broken || !f.stores || f.tree.report == nil:
		return err
	}
	return f.tell()
}

// storedFile is the rest of a `stored` step.
type storedFile struct {
	Name string `json:"name"`
}

func (f *ftpTransfer) tell() error {
	stored, err := f.tree.Open(f.name)
	if err != nil {
		return err
	}
	defer stored.Close()
	var whole tally
	if _, err := io.Copy(&whole, ftpReader{stored, f.tree}); err != nil {
		return err
	}
	f.tree.report.add(step{name: "stored", count: &whole, members: storedFile{strings.TrimPrefix(f.name, "/")}})
	return nil
}

// ftpReader reads a file, which may be long, while its tree is there.
type ftpReader struct {
	afero.File
	tree *ftpTree
}

func (r ftpReader) Read(into []byte) (int, error) {
	if r.tree.isGone() {
		return 0, fs.ErrClosed
	}
	return r.File.Read(into)
}
