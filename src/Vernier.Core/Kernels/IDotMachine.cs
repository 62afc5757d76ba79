namespace Vernier.Kernels;

/// <summary>The instructions that integer products need of a machine, on registers of type <typeparamref name="V"/>.</summary>
internal unsafe interface IDotMachine<V>
    where V : struct, IByteVector<V>
{
    /// <summary>
    /// What is added to a level to make it a byte that <see cref="Dot"/> takes: 128 where it multiplies unsigned by signed bytes, else 0.
    /// sum (level + bias) x - bias sum x = sum level x, exactly, so that a sum begins with -bias sum x.
    /// </summary>
    static abstract int Bias { get; }

    /// <summary>In each 32-bit lane: sum + w0 x0 + w1 x1 + w2 x2 + w3 x3, exactly. x is from -127 to 127.</summary>
    static abstract V Dot(V sum, V weights, V x);

    /// <summary>
    /// f_i += float(n_i + start) * (w_i * x) for the lanes n of the two registers, a and b, of each of 6 tokens, each operation rounded by
    /// itself.
    /// The numbers f of a token are <see cref="PanelPlan.PanelRows"/> after those of the one before; start and x are one for each token.
    /// </summary>
    static abstract void AddScaled(float* f, int* starts, float* weightScales, float* xScales, V a0, V b0, V a1, V b1, V a2, V b2, V a3,
        V b3, V a4, V b4, V a5, V b5);
}

/// <summary>
/// Turns codes into the bytes of levels. An index is the code, above it the number of the table; the bits above these are of no meaning,
/// since
/// tables repeat themselves to the number of entries.
/// </summary>
internal unsafe interface ILevelLookup<TSelf, V>
    where TSelf : struct, ILevelLookup<TSelf, V>
    where V : struct, IByteVector<V>
{
    /// <summary>Whether the machine has the instructions.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>Takes a table into registers.</summary>
    /// <param name="levels">A table and its repetitions.</param>
    /// <param name="bias">0 or 128, added to every level.</param>
    /// <param name="entries">How many levels are there: 256, or what <see cref="IntegerKernel.TableEntries"/> says for the table.</param>
    static abstract TSelf Load(sbyte* levels, int bias, int entries);

    /// <summary>The bytes of the levels of all indices of a register.</summary>
    V Levels(V codes);
}
