namespace Vernier.Inference.Passes;

/// <summary>Working memory of a forward pass, by what it holds; grows to the largest pass and stays.</summary>
internal sealed class Scratch
{
    private float[] _hidden = [], _normed = [], _query = [], _key = [], _value = [], _attended = [], _delta = [], _gate = [], _up = [],
        _inner = [], _logits = [], _branchInput = [], _branchOutput = [];

    public float[] Hidden(int rows, int width) => Grow(ref _hidden, rows, width);

    public float[] Normed(int rows, int width) => Grow(ref _normed, rows, width);

    public float[] Query(int rows, int width) => Grow(ref _query, rows, width);

    public float[] Key(int rows, int width) => Grow(ref _key, rows, width);

    public float[] Value(int rows, int width) => Grow(ref _value, rows, width);

    public float[] Attended(int rows, int width) => Grow(ref _attended, rows, width);

    public float[] Delta(int rows, int width) => Grow(ref _delta, rows, width);

    public float[] Gate(int rows, int width) => Grow(ref _gate, rows, width);

    public float[] Up(int rows, int width) => Grow(ref _up, rows, width);

    public float[] Inner(int rows, int width) => Grow(ref _inner, rows, width);

    public float[] BranchInput(int rows, int width) => Grow(ref _branchInput, rows, width);

    public float[] BranchOutput(int rows, int width) => Grow(ref _branchOutput, rows, width);

    public float[] Logits(int rows, int width) => Grow(ref _logits, rows, width);

    private static float[] Grow(ref float[] buffer, int rows, int width)
    {
        long length = (long)rows * width;
        if (length > Array.MaxLength)
            throw new ArgumentException($"{rows} rows of {width} numbers are too many for one pass; give fewer tokens at a time");
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<float>((int)length);
        return buffer;
    }
}
