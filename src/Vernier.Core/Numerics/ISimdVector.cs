
namespace Vernier.Numerics;

/// <summary>
/// The few vector operations that the kernels need, so that one kernel body serves every register width and element type.
/// The compiler specialises a kernel for each implementing struct; nothing is called through the interface at run time.
/// </summary>
internal unsafe interface ISimdVector<TSelf, T>
    where TSelf : struct, ISimdVector<TSelf, T>
    where T : unmanaged
{
    /// <summary>The number of lanes.</summary>
    static abstract int Lanes { get; }

    static abstract TSelf Zero { get; }

    static abstract TSelf Load(T* source);

    static abstract TSelf Broadcast(T value);

    static abstract void Store(T* destination, TSelf value);

    static abstract TSelf Add(TSelf left, TSelf right);

    static abstract TSelf Multiply(TSelf left, TSelf right);

    /// <summary>left * right + addend, fused where the machine can.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf addend);
}

/// <summary>A vector of single-precision lanes, with what the grids need besides.</summary>
internal unsafe interface ISimdVector<TSelf> : ISimdVector<TSelf, float>
    where TSelf : struct, ISimdVector<TSelf>
{
    /// <summary>value + increment in the lanes where x &gt; bound, value in the others.</summary>
    static abstract TSelf AddWhereGreater(TSelf value, TSelf x, TSelf bound, TSelf increment);

    /// <summary>The nearest integer, of two the even one, at least least and at most most; least where value is not a number.</summary>
    static abstract TSelf RoundBetween(TSelf value, TSelf least, TSelf most);

    /// <summary>Stores integers from 0 to 255 as bytes.</summary>
    static abstract void StoreBytes(byte* destination, TSelf integers);

    /// <summary>The sum of the lanes.</summary>
    static abstract float Sum(TSelf value);
}
