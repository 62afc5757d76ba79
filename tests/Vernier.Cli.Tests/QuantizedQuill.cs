[assembly: AssemblyFixture(typeof(Vernier.Tests.QuantizedQuill))]

namespace Vernier.Tests;

/// <summary>The sample model, quantized once for all tests that read a quantized model.</summary>
public sealed class QuantizedQuill : IDisposable
{
    private readonly TempFolder _temp = new();

    public QuantizedQuill()
    {
        CommandRun.Succeeding("quantize", SharedData.Quill, "-o", Folder, "--recipe", "rtn", "--no-eval");
        File.WriteAllText(Text, string.Concat(Enumerable.Range(1, 60)
            .Select(i => $"In the year {i} of his reign the king said to the people that the war was at an end. ")));
    }

    /// <summary>The folder.</summary>
    public string Folder => _temp["quill-4bit"];

    /// <summary>A text of a few windows.</summary>
    public string Text => _temp["text.txt"];

    public void Dispose() => _temp.Dispose();
}
