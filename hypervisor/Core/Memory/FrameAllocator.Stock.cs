// SPDX-License-Identifier: MIT
// Single frames that were freed a moment ago, kept out of the buddy system: a page given back and taken again splits and joins no block.

using XenSharp.Edge;

namespace XenSharp.Core.Memory;

public sealed partial class FrameAllocator
{
    private const int StockSize = 64, StockKept = 32;

    // Of a free frame that is no block of the buddy system: its neighbours do not join with it.
    private const byte StockOrder = byte.MaxValue;

    private readonly uint[] _stock = new uint[StockSize];
    private int _stocked;

    private bool TryTakeFromStock(out uint frame)
    {
        frame = None;
        if (_stocked == 0)
            return false;
        _stocked--;
        frame = _stock[_stocked];
        return true;
    }

    private void FreeSingle(uint frame)
    {
        if (_stocked == StockSize)
            ReturnStock(StockKept);
        ref FrameInfo info = ref _frames[new Mfn(frame)];
        info.State = FrameState.Free;
        info.Order = StockOrder;
        info.References = 0;
        _stock[_stocked] = frame;
        _stocked++;
    }

    // Joins all but so many frames with their neighbours.
    private void ReturnStock(int kept)
    {
        while (_stocked > kept)
        {
            _stocked--;
            FreeBlock(_stock[_stocked], 0);
        }
    }
}
