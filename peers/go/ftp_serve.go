//go:build !plain && !fasthttp

// This file owns the service ftp: ftpserverlib on a listener that numbers and
// reports connections, who is let in, and what ends early at a stop. What is
// answered is the library's, and what a session finds is ftp_tree.go's.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

const (
	ftpBanner = "go.example is ready"
	ftpNobody = "nobody"

	// ftpDataSeconds is how long a data connection may take to come about.
	ftpDataSeconds = 5
)

var (
	errNotThem = errors.New("not them")
	errNoTLS   = errors.New("there is no TLS here")
)

func (c *serveCommand) ftp() (func(*service) error, error) {
	if c.Files == nil {
		return nil, missing("files")
	}
	files := make([]ftpFile, 0, len(c.Files))
	for _, command := range c.Files {
		file, err := command.file()
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return func(s *service) error { return s.serveFTP(files) }, nil
}

func (s *service) serveFTP(files []ftpFile) error {
	listener, err := s.listen()
	if err != nil {
		return err
	}
	defer listener.Close()
	driver := &ftpDriver{
		listener: ftpListener{siteListener{listener, s}, files},
		sessions: map[ftpserver.ClientContext]struct{}{}, waiting: map[net.Listener]struct{}{},
	}
	defer context.AfterFunc(s.ctx, driver.interrupt)()
	server := ftpserver.NewFtpServer(driver)
	if err := server.Listen(); err != nil {
		return err
	}
	_ = server.Serve() // it returns after a stop
	return nil
}

// ftpListener hands connections to ftpserverlib that end with their trees.
type ftpListener struct {
	siteListener
	files []ftpFile
}

func (l ftpListener) Accept() (net.Conn, error) {
	conn, err := l.siteListener.Accept()
	if err != nil {
		return nil, err
	}
	return &ftpConn{siteConn: conn.(*siteConn), files: l.files}, nil
}

// ftpConn is a control connection, and the tree of its session.
type ftpConn struct {
	*siteConn
	files []ftpFile

	mu   sync.Mutex
	tree *ftpTree
	over bool
}

// ftpRemote is the address of a client. It is all that ftpserverlib hands back
// of a connection, and so it leads there.
type ftpRemote struct {
	net.Addr
	conn *ftpConn
}

func (c *ftpConn) RemoteAddr() net.Addr { return ftpRemote{c.siteConn.RemoteAddr(), c} }

// newTree is for whoever was let in just now. One who was before begins anew.
func (c *ftpConn) newTree() (*ftpTree, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil, net.ErrClosed
	}
	if c.tree != nil {
		c.tree.remove()
	}
	tree, err := newFTPTree(c.files, c.report)
	c.tree = tree
	return tree, err
}

// Close removes the tree first: nothing is left of it when `closed` is told.
func (c *ftpConn) Close() error {
	c.mu.Lock()
	if c.tree != nil {
		c.tree.remove()
	}
	c.over = true
	c.mu.Unlock()
	return c.siteConn.Close()
}

// ftpDriver is what ftpserverlib asks about sessions, all of one service.
type ftpDriver struct {
	listener net.Listener

	mu       sync.Mutex
	sessions map[ftpserver.ClientContext]struct{}
	waiting  map[net.Listener]struct{} // for data connections, at the moment
	ending   bool
}

func (d *ftpDriver) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{
		Listener: d.listener, Banner: ftpBanner, ConnectionTimeout: ftpDataSeconds, ActiveTransferPortNon20: true,
	}, nil
}

func (d *ftpDriver) GetTLSConfig() (*tls.Config, error) { return nil, errNoTLS }

func (d *ftpDriver) ClientConnected(session ftpserver.ClientContext) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ending {
		return "", net.ErrClosed
	}
	d.sessions[session] = struct{}{}
	return ftpBanner, nil
}

func (d *ftpDriver) ClientDisconnected(session ftpserver.ClientContext) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, session)
}

func (d *ftpDriver) AuthUser(session ftpserver.ClientContext, user, _ string) (ftpserver.ClientDriver, error) {
	if user == ftpNobody {
		return nil, errNotThem
	}
	tree, err := session.RemoteAddr().(ftpRemote).conn.newTree()
	if err != nil {
		return nil, err // a nil tree would not be a nil driver
	}
	return tree, nil
}

// WrapPassiveListener has a stop interrupt who waits for a data connection.
func (d *ftpDriver) WrapPassiveListener(listener net.Listener) (net.Listener, error) {
	return &ftpDataListener{listener, d}, nil
}

type ftpDataListener struct {
	net.Listener
	driver *ftpDriver
}

func (l *ftpDataListener) Accept() (net.Conn, error) {
	if !l.driver.waits(l) {
		return nil, net.ErrClosed
	}
	defer l.driver.waited(l)
	return l.Listener.Accept()
}

func (d *ftpDriver) waits(listener net.Listener) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting[listener] = struct{}{}
	return !d.ending
}

func (d *ftpDriver) waited(listener net.Listener) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, listener)
}

// interrupt ends the transfers, which the end of a control connection leaves
// alone. Closing a session waits for its data connection to come about.
func (d *ftpDriver) interrupt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ending = true
	for listener := range d.waiting {
		_ = listener.Close() // it may have been closed just now
	}
	for session := range d.sessions {
		go func() { _ = session.Close() }() // the same
	}
}
