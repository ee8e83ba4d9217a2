// SPDX-License-Identifier: MIT
// Arrays: fixed after construction; element access is inlined by the compiler with a bounds check.

using System.Collections;
using System.Runtime.CompilerServices;

namespace System
{
    public abstract class Array : IEnumerable
    {
        private int _numComponents;

        public int Length
        {
            [Intrinsic]
            get => _numComponents;
        }

        IEnumerator? IEnumerable.GetEnumerator() => null;

        public static void Clear<T>(T[] array) => new Span<T>(array).Clear();
    }

    internal class Array<T> : Array { }
}

namespace System.Collections
{
    public interface IEnumerable
    {
        IEnumerator? GetEnumerator();
    }

    public interface IEnumerator
    {
        object? Current { get; }

        bool MoveNext();

        void Reset();
    }
}
