//go:build unix

package postgistest

import "syscall"

// As is how a program is started by that account, which only root can do.
func As(uid, gid int) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}
