using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Vernier.Bench;

/// <summary>The few functions of llama.cpp's C interface that a measurement needs, found in its folder of shared libraries.</summary>
internal sealed unsafe class LlamaCpp
{
    private readonly nint _library;

    /// <summary>Loads libllama and the back ends beside it.</summary>
    /// <param name="folder">The folder with libllama and libggml.</param>
    public LlamaCpp(string folder)
    {
        nint ggml = NativeLibrary.Load(Find(folder, "libggml.*"));
        _library = NativeLibrary.Load(Find(folder, "libllama.*"));
        ((delegate* unmanaged<delegate* unmanaged<int, byte*, void*, void>, void*, void>)NativeLibrary.GetExport(
            _library, "llama_log_set"))(&Silence, null);
        fixed (byte* path = Text(folder))
            ((delegate* unmanaged<byte*, void>)NativeLibrary.GetExport(ggml, "ggml_backend_load_all_from_path"))(path);
        ((delegate* unmanaged<void>)NativeLibrary.GetExport(_library, "llama_backend_init"))();
    }

    /// <summary>Quantizes a GGUF file; the type is a llama_ftype: 2 for Q4_0, 7 for Q8_0.</summary>
    public void Quantize(string source, string target, int type, int threads)
    {
        Blob parameters = ((delegate* unmanaged<Blob>)Export("llama_model_quantize_default_params"))();
        var fields = (int*)&parameters;
        (fields[0], fields[1]) = (threads, type);
        fixed (byte* from = Text(source), to = Text(target))
        {
            if (((delegate* unmanaged<byte*, byte*, Blob*, uint>)Export("llama_model_quantize"))(from, to, &parameters) != 0)
                throw new InvalidOperationException($"llama.cpp could not quantize {source}");
        }
    }

    /// <summary>Loads a model and makes a context.</summary>
    public LlamaSession Open(string path, int context, int threads)
    {
        Blob modelParameters = ((delegate* unmanaged<Blob>)Export("llama_model_default_params"))();
        nint model;
        fixed (byte* text = Text(path))
            model = ((delegate* unmanaged<byte*, Blob, nint>)Export("llama_model_load_from_file"))(text, modelParameters);
        if (model == 0)
            throw new InvalidOperationException($"llama.cpp could not load {path}");
        Blob parameters = ((delegate* unmanaged<Blob>)Export("llama_context_default_params"))();
        // n_ctx and n_batch; the size of a micro-batch stays as it is by default.
        ((uint*)&parameters)[0] = (uint)context;
        ((uint*)&parameters)[1] = (uint)context;
        nint session = ((delegate* unmanaged<nint, Blob, nint>)Export("llama_init_from_model"))(model, parameters);
        if (session == 0)
            throw new InvalidOperationException("llama.cpp could not make a context");
        ((delegate* unmanaged<nint, int, int, void>)Export("llama_set_n_threads"))(session, threads, threads);
        return new LlamaSession(this, model, session);
    }

    internal void* Export(string name) => (void*)NativeLibrary.GetExport(_library, name);

    private static string Find(string folder, string pattern) =>
        Directory.EnumerateFiles(folder, pattern)
            .Where(path => path.Contains(".so", StringComparison.Ordinal) || path.EndsWith(".dylib", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).FirstOrDefault()
        ?? throw new FileNotFoundException($"{folder}: there is no {pattern}");

    private static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    [UnmanagedCallersOnly]
    private static void Silence(int level, byte* text, void* data)
    {
    }

    /// <summary>Room for any of the parameter structures, which are passed in memory whatever their size.</summary>
    [InlineArray(64)]
    internal struct Blob
    {
        private long _first;
    }

    /// <summary>llama_batch.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Batch
    {
        public int Count;
        public nint Tokens, Embeddings, Positions, SequenceCounts, Sequences, Logits;
    }
}

/// <summary>A model of llama.cpp with a context.</summary>
internal sealed unsafe class LlamaSession(LlamaCpp library, nint model, nint context) : IDisposable
{
    private readonly delegate* unmanaged<nint, LlamaCpp.Batch,
        int> _decode = (delegate* unmanaged<nint, LlamaCpp.Batch, int>)library.Export("llama_decode");
    private readonly delegate* unmanaged<int*, int,
        LlamaCpp.Batch> _batch = (delegate* unmanaged<int*, int, LlamaCpp.Batch>)library.Export("llama_batch_get_one");
    private readonly delegate* unmanaged<nint, void> _synchronize = (delegate* unmanaged<nint, void>)library.Export("llama_synchronize");

    /// <summary>Appends tokens to the sequence and computes the logits of the last.</summary>
    public void Decode(int[] tokens)
    {
        fixed (int* pointer = tokens)
        {
            if (_decode(context, _batch(pointer, tokens.Length)) != 0)
                throw new InvalidOperationException("llama.cpp could not decode");
        }
        _synchronize(context);
    }

    /// <summary>The logits of the last token.</summary>
    public float[] Logits(int vocabulary) =>
        new ReadOnlySpan<float>(((delegate* unmanaged<nint, int, float*>)library.Export("llama_get_logits_ith"))(context, -1), vocabulary)
            .ToArray();

    /// <summary>Appends tokens to the sequence and gives the logits after each of them, tokens x vocabulary.</summary>
    public float[] AllLogits(int[] tokens, int vocabulary)
    {
        var batch = ((delegate* unmanaged<int, int, int, LlamaCpp.Batch>)library.Export("llama_batch_init"))(tokens.Length, 0, 1);
        batch.Count = tokens.Length;
        for (int i = 0; i < tokens.Length; i++)
        {
            ((int*)batch.Tokens)[i] = tokens[i];
            ((int*)batch.Positions)[i] = i;
            ((int*)batch.SequenceCounts)[i] = 1;
            ((int**)batch.Sequences)[i][0] = 0;
            ((byte*)batch.Logits)[i] = 1;
        }
        if (_decode(context, batch) != 0)
            throw new InvalidOperationException("llama.cpp could not decode");
        _synchronize(context);
        var logits = new float[tokens.Length * vocabulary];
        var row = (delegate* unmanaged<nint, int, float*>)library.Export("llama_get_logits_ith");
        for (int i = 0; i < tokens.Length; i++)
            new ReadOnlySpan<float>(row(context, i), vocabulary).CopyTo(logits.AsSpan(i * vocabulary));
        ((delegate* unmanaged<LlamaCpp.Batch, void>)library.Export("llama_batch_free"))(batch);
        return logits;
    }

    /// <summary>The tokens of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecial">Whether the tokens that begin and end a text are added.</param>
    public int[] Tokenize(string text, bool addSpecial)
    {
        nint vocabulary = ((delegate* unmanaged<nint, nint>)library.Export("llama_model_get_vocab"))(model);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var tokens = new int[bytes.Length + 8];
        fixed (byte* from = bytes.Length == 0 ? new byte[1] : bytes)
        fixed (int* to = tokens)
        {
            int count = ((delegate* unmanaged<nint, byte*, int, int*, int, byte, byte, int>)library.Export("llama_tokenize"))(
                vocabulary, from, bytes.Length, to, tokens.Length, (byte)(addSpecial ? 1 : 0), 0);
            return count >= 0 ? tokens[..count] : throw new InvalidOperationException("llama.cpp could not tokenize the text");
        }
    }

    /// <summary>Forgets the sequence.</summary>
    public void Clear()
    {
        nint memory = ((delegate* unmanaged<nint, nint>)library.Export("llama_get_memory"))(context);
        ((delegate* unmanaged<nint, byte, void>)library.Export("llama_memory_clear"))(memory, 1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ((delegate* unmanaged<nint, void>)library.Export("llama_free"))(context);
        ((delegate* unmanaged<nint, void>)library.Export("llama_model_free"))(model);
    }
}
