namespace Vernier.Files.Gguf;

/// <summary>A metadata value with its type.</summary>
public sealed class GgufValue : IEquatable<GgufValue>
{
    /// <summary>An array.</summary>
    /// <param name="elementType">The type of its elements.</param>
    /// <param name="items">A one-dimensional array of the elements: byte, sbyte, ... or <see cref="GgufValue"/> for nested arrays.</param>
    internal GgufValue(GgufType elementType, Array items) => (Type, ElementType, Data) = (GgufType.Array, elementType, items);

    private GgufValue(GgufType type, object data) => (Type, Data) = (type, data);

    /// <summary>The type.</summary>
    public GgufType Type { get; }

    /// <summary>The type of an array's elements; null for other values.</summary>
    public GgufType? ElementType { get; }

    /// <summary>The value: a number, a bool, a string, or an array of them; for nested arrays an array of
    /// <see cref="GgufValue"/>.</summary>
    public object Data { get; }

    /// <summary>A number, a truth value, a string, or an array of them, with the type that C# gives it.</summary>
    /// <exception cref="ArgumentException">It is of no type that a file can hold.</exception>
    public static GgufValue Of(object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (TypeOf(value.GetType()) is GgufType type)
            return new GgufValue(type, value);
        if (value is Array { Rank: 1 } array && value.GetType().GetElementType() is Type element
            && (element == typeof(GgufValue) ? GgufType.Array : TypeOf(element)) is GgufType items)
            return new GgufValue(items, array);
        throw new ArgumentException($"A metadata value cannot be a {value.GetType()}.", nameof(value));
    }

    /// <summary>The value as a whole number, or null where it is none or does not fit.</summary>
    public long? AsInteger() => Data switch
    {
        byte x => x,
        sbyte x => x,
        ushort x => x,
        short x => x,
        uint x => x,
        int x => x,
        long x => x,
        ulong x and <= long.MaxValue => (long)x,
        _ => null,
    };

    /// <summary>The value as a number, or null where it is none.</summary>
    public double? AsNumber() => Data switch
    {
        float x => x,
        double x => x,
        ulong x => x,
        _ => AsInteger(),
    };

    /// <inheritdoc/>
    public bool Equals(GgufValue? other)
    {
        if (other is null || Type != other.Type || ElementType != other.ElementType)
            return false;
        if (Data is not Array items)
            return Data.Equals(other.Data);
        var others = (Array)other.Data;
        if (items.Length != others.Length)
            return false;
        for (int i = 0; i < items.Length; i++)
        {
            if (!items.GetValue(i)!.Equals(others.GetValue(i)))
                return false;
        }
        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GgufValue);

    /// <inheritdoc/>
    public override int GetHashCode() => Data is Array items ? HashCode.Combine(ElementType, items.Length) : Data.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => Data is Array items ? $"{items.Length} x {ElementType}" : Data.ToString()!;

    private static GgufType? TypeOf(Type type) => System.Type.GetTypeCode(type) switch
    {
        _ when type.IsEnum => null,
        TypeCode.Byte => GgufType.UInt8,
        TypeCode.SByte => GgufType.Int8,
        TypeCode.UInt16 => GgufType.UInt16,
        TypeCode.Int16 => GgufType.Int16,
        TypeCode.UInt32 => GgufType.UInt32,
        TypeCode.Int32 => GgufType.Int32,
        TypeCode.Single => GgufType.Float32,
        TypeCode.Boolean => GgufType.Bool,
        TypeCode.String => GgufType.String,
        TypeCode.UInt64 => GgufType.UInt64,
        TypeCode.Int64 => GgufType.Int64,
        TypeCode.Double => GgufType.Float64,
        _ => null,
    };
}
