package coding

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"gengtu/index/codes"
	"gengtu/index/disk"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// issued is what [edition.Issued] holds: by layer and 社 the greatest number that was ever
// given. The register of a generation that was rolled back goes with it; what was told of
// its codes meanwhile does not.
type issued map[string]map[string]int

// Floor returns by 社 the greatest numbers that were given in any generation of the edition
// at dir, as far as its register is not the one in force; none where none were.
func Floor(dir string) (map[string]int, error) {
	all, err := readIssued(filepath.Join(dir, edition.Issued))
	return all[Layer], err
}

func readIssued(path string) (issued, error) {
	all := issued{}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err == nil && all == nil {
		err = errors.New("null is no record")
	}
	if err != nil {
		return nil, problem.New("CODES_ISSUED", "已用顺序号的记录读不出来（%v）", "the record of the numbers given cannot be read (%v)", err).In(path).Because(err).
			Advise("从备份找回它；没有它就不能保证顺序号不重用", "take it from a backup: without it nothing says that no number is given twice")
	}
	return all, nil
}

// Enter notes the numbers that r has given in the edition at dir, before the generation
// that holds them is in force. It replaces the file whole.
func Enter(dir string, r *codes.Register) error {
	path := filepath.Join(dir, edition.Issued)
	all, err := readIssued(path)
	if err != nil {
		return err
	}
	if all[Layer] == nil {
		all[Layer] = map[string]int{}
	}
	for g, n := range r.Highest() {
		all[Layer][g] = max(all[Layer][g], n)
	}
	data, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "."+edition.Issued+"-*") // mode 0600
	if err != nil {
		return unwritten(path, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when all went well
	_, err = tmp.Write(append(data, '\n'))
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = disk.Replace(tmp.Name(), path)
	}
	if err == nil {
		err = disk.SyncDir(dir)
	}
	return unwritten(path, err)
}

func unwritten(path string, err error) error {
	if err == nil {
		return nil
	}
	return problem.New("CODES_ISSUED", "已用顺序号的记录写不进去，因此不给码（%v）", "the record of the numbers given cannot be written, so no codes are given (%v)", err).In(path).Because(err).
		Advise("核对版本目录的权限和磁盘空间", "check the mode of the edition's directory and the space on the disk")
}
