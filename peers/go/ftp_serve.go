//go:build !plain && !fasthttp

// This file owns the service ftp: ftpserverlib on a listener that numbers and
// reports connections, and what a session's tree holds. What is answered is
// the library's.
package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"sync"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"
)

const (
	ftpBanner = "go.example is ready"
	ftpNobody = "nobody"

	// ftpDataSeconds is how long a data connection may take to come about.
	ftpDataSeconds = 5
)

var errNotThem = errors.New("not them")

// ftpFile is one that every session finds.
type ftpFile struct {
	name    string
	hole    int64
	content []byte
}

func (c *serveCommand) ftp() (func(*service) error, error) {
	if c.Files == nil {
		return nil, missing("files")
	}
	files := make([]ftpFile, 0, len(c.Files))
	for _, command := range c.Files {
		if command.Name == nil {
			return nil, missing("name")
		}
		content, err := command.Content.recipe()
		if err != nil {
			return nil, err
		}
		files = append(files, ftpFile{*command.Name, command.Hole, content.all()})
	}
	return func(s *service) error { return s.serveFTP(files) }, nil
}

func (s *service) serveFTP(files []ftpFile) error {
	listener, err := s.listen()
	if err != nil {
		return err
	}
	driver := &ftpDriver{files: files, conns: map[string]*siteConn{}, trees: map[uint32]*ftpTree{}}
	driver.listener = &ftpListener{siteListener{listener, s}, driver}
	server := ftpserver.NewFtpServer(driver)
	if err := server.Listen(); err != nil {
		return err
	}
	_ = server.Serve() // it returns after a stop
	return nil
}

// ftpListener remembers which connection came from where: ftpserverlib tells
// no more than that.
type ftpListener struct {
	siteListener
	driver *ftpDriver
}

func (l *ftpListener) Accept() (net.Conn, error) {
	conn, err := l.siteListener.Accept()
	if err == nil {
		l.driver.accepted(conn.(*siteConn))
	}
	return conn, err
}

// ftpDriver is what ftpserverlib asks of sessions.
type ftpDriver struct {
	listener net.Listener
	files    []ftpFile

	mu    sync.Mutex
	conns map[string]*siteConn
	trees map[uint32]*ftpTree
}

func (d *ftpDriver) accepted(conn *siteConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns[conn.RemoteAddr().String()] = conn
}

func (d *ftpDriver) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{
		Listener: d.listener, Banner: ftpBanner, ConnectionTimeout: ftpDataSeconds, ActiveTransferPortNon20: true,
	}, nil
}

func (d *ftpDriver) GetTLSConfig() (*tls.Config, error) { return nil, errNotThem }

func (d *ftpDriver) ClientConnected(ftpserver.ClientContext) (string, error) { return ftpBanner, nil }

func (d *ftpDriver) ClientDisconnected(session ftpserver.ClientContext) {
	d.mu.Lock()
	tree := d.trees[session.ID()]
	delete(d.trees, session.ID())
	delete(d.conns, session.RemoteAddr().String())
	d.mu.Unlock()
	if tree != nil {
		tree.remove()
	}
}

func (d *ftpDriver) AuthUser(session ftpserver.ClientContext, user, _ string) (ftpserver.ClientDriver, error) {
	if user == ftpNobody {
		return nil, errNotThem
	}
	tree, err := newFTPTree(d.files)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if before := d.trees[session.ID()]; before != nil {
		before.remove()
	}
	tree.conn = d.conns[session.RemoteAddr().String()]
	d.trees[session.ID()] = tree
	return tree, nil
}

// ftpTree is a folder with the files of all sessions, until it is removed.
type ftpTree struct {
	afero.Fs
	root string
	conn *siteConn
}

func newFTPTree(files []ftpFile) (*ftpTree, error) {
	root, err := os.MkdirTemp("", "parley-ftp-")
	if err != nil {
		return nil, err
	}
	tree := &ftpTree{Fs: afero.NewBasePathFs(afero.NewOsFs(), root), root: root}
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

func (t *ftpTree) remove() { _ = os.RemoveAll(t.root) }

// GetHandle opens a file for a transfer. ftpserverlib asks for this where it
// is there, so that the end of an upload can be told.
func (t *ftpTree) GetHandle(name string, flags int, _ int64) (ftpserver.FileTransfer, error) {
	file, err := t.OpenFile(name, flags, 0o644)
	if err != nil {
		return nil, err
	}
	return &ftpTransfer{File: file, tree: t, name: name, stores: flags&os.O_WRONLY != 0}, nil
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

// storedFile is the rest of a `stored` step.
type storedFile struct {
	Name string `json:"name"`
}

func (f *ftpTransfer) Close() error {
	err := f.File.Close()
	if err != nil || f.broken || !f.stores || f.tree.conn == nil || f.tree.conn.report == nil {
		return err
	}
	kept, err := f.tree.Open(f.name)
	if err != nil {
		return err
	}
	defer kept.Close()
	var whole tally
	if _, err := io.Copy(&whole, kept); err != nil {
		return err
	}
	f.tree.conn.report.add(step{name: "stored", count: &whole, members: storedFile{path.Clean("/" + f.name)[1:]}})
	return nil
}
